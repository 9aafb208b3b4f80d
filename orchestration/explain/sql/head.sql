select workspaces.time_zone, goals.name as goal_name, clock.as_of
from marts.dim_goals as goals
inner join intermediate.int_workspaces as workspaces using (workspace_id)
cross join control.clock as clock
where workspace_id = $workspace_id and goals.goal_id = $goal_id and goals.is_current
