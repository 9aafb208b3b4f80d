-- Time to convert: the share of enrollments that converted within so many days (Kaplan and Meier), and the plain share beside it.
select day, at_risk, converted_share, converted_share_lower, converted_share_upper, plain_share
from rpt_conversion_curve
where workspace_id = $workspace and goal_id = $goal
    and source_id is not distinct from $source
    and at_risk > 0
order by day
