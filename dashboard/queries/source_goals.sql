-- What one source did for each goal since its beginning, until the clock.
select
    goals.goal_id, coalesce(goals.name, goals.goal_id) as goal, impressions, enrollments, conversions, conversion_rate,
    closed_conversion_rate, converted_deliveries, converted_delivery_share, attributed_achievers,
    case when impact_currency is not null then attributed_impact end as attributed_impact,
    case when impact_currency is not null then 1000 * attributed_impact / nullif(deliveries, 0) end as impact_per_1000_messages, impact_currency
from rpt_source_performance as performance
inner join dim_goals as goals
    on performance.workspace_id = goals.workspace_id and performance.goal_id = goals.goal_id and goals.is_current
where performance.workspace_id = $workspace and performance.source_id = $source
order by attributed_achievers desc, impressions desc, goal
