-- The checks of the run that published. Those that did not pass come first.
select success, severity, step, suite, expectation, figures
from ops.check_results
order by success, severity, step, suite, expectation
