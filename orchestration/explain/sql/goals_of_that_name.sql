-- The workspaces whose goal it is, with the status that its newest accepted row says.
select
    workspace_id,
    arg_max(status, updated_at) as status,
    max(updated_at) as changed_at
from intermediate.int_goal_rows
where goal_id = $goal_id and reason_code is null and workspace_id = coalesce($workspace_id, workspace_id)
group by workspace_id
order by workspace_id
