-- Some of these rows, as they landed.
select problem, path, row_number, raw_row
from ops.quarantine_samples
where table_name = $table and reason_code = $reason
order by path, row_number
