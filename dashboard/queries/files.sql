-- The newest files (UTC).
select loaded_at, table_name, path, rows, outcome, reason
from ops.files
where outcome = $outcome
order by file_id desc
limit 200
