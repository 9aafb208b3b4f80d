-- What each source did for a goal since its beginning, until the clock.
select
    performance.source_id, coalesce(sources.name, performance.source_id) as source, impressions, enrollments, conversions, conversion_rate,
    closed_conversion_rate, converted_deliveries, converted_delivery_share, attributed_achievers, attributed_impact,
    1000 * attributed_impact / nullif(deliveries, 0) as impact_per_1000_messages,
    not_eligible, already_achieved, already_enrolled
from rpt_source_performance as performance
left join dim_sources as sources
    on performance.workspace_id = sources.workspace_id and performance.source_id = sources.source_id
where performance.workspace_id = $workspace and performance.goal_id = $goal
order by attributed_impact desc, attributed_achievers desc, impressions desc, source
