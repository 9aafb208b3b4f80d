-- What each source did for a goal, as of the clock.
select
    performance.source_id, coalesce(sources.name, performance.source_id) as source, impressions, enrollments, conversions,
    conversion_rate, closed_conversion_rate, deliveries, converted_deliveries, converted_delivery_share, journeys,
    converted_journeys, attributed_achievers, attributed_impact,
    1000 * attributed_impact / nullif(deliveries, 0) as impact_per_1000_messages
from rpt_source_performance as performance left join dim_sources as sources using (workspace_id, source_id)
where workspace_id = $workspace and goal_id = $goal
order by conversions desc, impressions desc, source
