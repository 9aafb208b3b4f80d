select
    workspace_id,
    goal_id,
    min(achievers) as fewest_achievers,
    max(achievers) as most_achievers
from (
    select
        workspace_id,
        goal_id,
        period,
        sum(achievers) as achievers
    from {batch}
    group by workspace_id, goal_id, period
) as periods
group by workspace_id, goal_id
having count(distinct achievers) > 1
