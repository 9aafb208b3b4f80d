select workspace_id, name, time_zone, currency, as_of
from dim_workspaces
order by workspace_id
