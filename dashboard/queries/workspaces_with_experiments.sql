-- The workspaces that have an experiment.
select distinct coalesce(name, workspace_id) as name
from rpt_goal_lift inner join dim_workspaces using (workspace_id)
order by name
