-- A row per landed row of the goal: a version, or a change that was refused.
select
    goal_rows.*,
    workspaces.time_zone,
    goals.valid_from,
    goals.valid_to
from intermediate.int_goal_rows as goal_rows
inner join intermediate.int_workspaces as workspaces using (workspace_id)
left join marts.dim_goals as goals
    on
        goal_rows.workspace_id = goals.workspace_id
        and goal_rows.goal_id = goals.goal_id
        and goal_rows.updated_at = goals.goal_version
        and goal_rows.reason_code is null
where workspace_id = $workspace_id and goal_rows.goal_id = $goal_id
order by goal_rows.updated_at
