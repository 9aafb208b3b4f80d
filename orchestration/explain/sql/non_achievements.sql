-- The events with a name that the goal targets that are no achievements, with what the judging version's filters read.
select
    events.judged_at as moment,
    events.event_id,
    events.name as event_name,
    events.asked_name,
    events.occurred_at,
    events.received_at,
    events.reason,
    events.conditions_met,
    filters.predicate,
    events.evaluation_window_days,
    events.evaluation_event_name,
    events.anchored_at,
    events.transition,
    versions.profile_filter,
    states.observed_at as state_observed_at,
    readings(staged.properties, filters.properties) as event,
    readings(
        states.properties,
        case events.reason when 'profile_not_met' then profile_filters.properties else filters.profile_properties end
    ) as state
from intermediate.int_non_achievements as events
inner join staging.stg_events as staged using (workspace_id, event_id)
left join intermediate.int_goal_versions as versions
    on
        events.workspace_id = versions.workspace_id
        and events.goal_id = versions.goal_id
        and events.goal_version = versions.goal_version
left join intermediate.int_filters as filters
    on
        events.workspace_id = filters.workspace_id
        and events.goal_id = filters.owner_id
        and events.goal_version = filters.owner_updated_at
        and filters.role = 'event'
left join intermediate.int_filters as profile_filters
    on
        events.workspace_id = profile_filters.workspace_id
        and events.goal_id = profile_filters.owner_id
        and events.goal_version = profile_filters.owner_updated_at
        and profile_filters.role = 'profile'
asof left join states on events.judged_at >= states.observed_at
where events.workspace_id = $workspace_id and events.goal_id = $goal_id and events.profile_id = $profile_id
order by events.judged_at, events.event_id
