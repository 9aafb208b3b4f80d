-- When this file was published, and until when it counts (UTC).
select published_at, as_of, run_id
from control.publication
