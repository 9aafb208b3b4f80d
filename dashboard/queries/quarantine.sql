-- Rows that could not be staged, by table and reason (UTC).
select table_name, reason_code, rows, last_loaded_at
from ops.quarantine
order by rows desc, table_name, reason_code
