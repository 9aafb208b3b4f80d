select
    workspace_id,
    goal_id,
    list(distinct achievers) as totals
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
