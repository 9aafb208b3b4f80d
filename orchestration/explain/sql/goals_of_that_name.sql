-- The workspaces that have the goal, with the status in its newest accepted row.
select
    workspace_id,
    arg_max(status, updated_at) as status,
    max(updated_at) as changed_at
from intermediate.int_goal_rows
where goal_id = $goal_id and reason_code is null and workspace_id = coalesce($workspace_id, workspace_id)
group by workspace_id
order by workspace_id
