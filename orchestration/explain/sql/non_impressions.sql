select
    deliveries.sent_at as moment,
    deliveries.delivery_id,
    deliveries.source_id,
    sources.name as source_name,
    deliveries.journey_id,
    deliveries.message_id,
    deliveries.channel,
    deliveries.sent_at,
    deliveries.reason,
    deliveries.entered_at,
    deliveries.attached_at,
    coalesce(conversions.achievements, 0) as credited_achievements
from intermediate.int_non_impressions as deliveries
left join marts.dim_sources as sources using (workspace_id, source_id)
left join marts.fct_delivery_conversions as conversions
    on
        deliveries.workspace_id = conversions.workspace_id
        and deliveries.goal_id = conversions.goal_id
        and deliveries.delivery_id = conversions.delivery_id
where workspace_id = $workspace_id and deliveries.goal_id = $goal_id and deliveries.profile_id = $profile_id
order by deliveries.sent_at, deliveries.delivery_id
