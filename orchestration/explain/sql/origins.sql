-- What reached the target: the event, the engagement or the observed state, with the properties that the target's filter reads.
select
    achievements.achievement_id,
    achievements.natural_key,
    rules.transition,
    events.name as event_name,
    events.occurred_at,
    events.received_at,
    rules.message_metric,
    case when achievements.kind = 'message' then coalesce(engagements.delivery_id, achievements.natural_key) end as message_delivery_id,
    readings(coalesce(events.properties, states.properties), filters.properties) as facts
from marts.fct_achievements as achievements
inner join intermediate.int_goal_rules as rules using (workspace_id, goal_id, goal_version)
left join staging.stg_events as events
    on
        achievements.workspace_id = events.workspace_id
        and achievements.natural_key = events.event_id
        and achievements.kind = 'event'
left join staging.stg_engagements as engagements
    on
        achievements.workspace_id = engagements.workspace_id
        and achievements.natural_key = engagements.engagement_id
        and achievements.kind = 'message'
        and rules.message_metric <> 'sent'
left join states on achievements.achieved_at = states.observed_at and achievements.kind = 'profile'
left join intermediate.int_filters as filters
    on
        achievements.workspace_id = filters.workspace_id
        and achievements.goal_id = filters.owner_id
        and achievements.goal_version = filters.owner_updated_at
        and achievements.kind = filters.role
where workspace_id = $workspace_id and goal_id = $goal_id and achievements.profile_id = $profile_id
