-- The workspaces, and the clock that every report counts until.
select workspace_id, coalesce(name, workspace_id) as name, time_zone, currency, as_of
from dim_workspaces
order by name
