-- What one source did for each goal, as of the clock.
select
    coalesce(goals.name, goals.goal_id) as goal, goals.goal_id, impressions, enrollments, conversions, conversion_rate,
    converted_deliveries, converted_delivery_share, attributed_achievers, attributed_impact, impact_currency
from rpt_source_performance as performance
join dim_goals as goals on goals.workspace_id = performance.workspace_id and goals.goal_id = performance.goal_id and is_current
where performance.workspace_id = $workspace and source_id = $source
order by conversions desc, goal
