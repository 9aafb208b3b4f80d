-- The experiments of a workspace.
select distinct experiment_id, coalesce(experiment_name, experiment_id) as name
from rpt_goal_lift
where workspace_id = $workspace
order by name, experiment_id
