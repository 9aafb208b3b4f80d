-- The goals of a workspace.
select goal_id, coalesce(name, goal_id) as name
from dim_goals
where workspace_id = $workspace and is_current
order by name
