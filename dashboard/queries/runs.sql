-- The last runs, newest first (UTC).
select started_at, finished_at, outcome, as_of, is_full_refresh, files_loaded, message, run_id
from ops.runs
order by started_at desc
limit 20
