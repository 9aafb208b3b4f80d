select
    workspace_id,
    goal_id,
    profile_id,
    count(*) filter (where is_first) as firsts
from {batch}
group by workspace_id, goal_id, profile_id
having count(*) filter (where is_first) <> 1
