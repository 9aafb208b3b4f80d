-- Why enrollments did not convert; if a trigger does not match, also the properties of event and journey that it compares.
select
    non_conversions.enrollment_id,
    achievements.achievement_number,
    non_conversions.reason,
    readings(events.properties, filters.properties) as event,
    readings(journeys.trigger_properties, filters.trigger_properties) as journey
from intermediate.int_non_conversions as non_conversions
inner join marts.fct_enrollments as enrollments using (enrollment_id)
left join marts.fct_achievements as achievements on non_conversions.achievement_id = achievements.achievement_id
left join staging.stg_events as events
    on achievements.workspace_id = events.workspace_id and achievements.natural_key = events.event_id
left join staging.stg_journeys as journeys
    on enrollments.workspace_id = journeys.workspace_id and enrollments.journey_id = journeys.journey_id
left join intermediate.int_filters as filters
    on
        achievements.workspace_id = filters.workspace_id
        and achievements.goal_id = filters.owner_id
        and achievements.goal_version = filters.owner_updated_at
        and filters.role = 'trigger_match'
        and non_conversions.reason = 'trigger_not_matched'
where
    non_conversions.workspace_id = $workspace_id
    and non_conversions.goal_id = $goal_id
    and non_conversions.profile_id = $profile_id
order by achievements.achievement_number
