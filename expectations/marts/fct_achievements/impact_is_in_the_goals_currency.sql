select
    workspace_id,
    goal_id,
    impact_currency,
    unconverted_currency,
    count(*) as achievements
from {batch}
where unconverted_currency is not null
group by all
order by all
