-- The goals that the user may have meant, by id or by name.
select goal_id, workspace_id
from intermediate.int_goal_rows
where workspace_id = coalesce($workspace_id, workspace_id)
order by
    greatest(
        jaro_winkler_similarity(lower(goal_id), lower($goal_id)),
        jaro_winkler_similarity(lower(coalesce(name, '')), lower($goal_id))
    ) desc,
    goal_id,
    workspace_id
limit 3
