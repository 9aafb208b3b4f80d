-- A row per impression, with the enrollment of its goal, source, profile and journey: its own, or an earlier one.
-- `state` is what the filter of the failed check reads, as of the impression: only to show, not to judge.
with impressions as (

    select
        *,
        case outcome when 'not_eligible' then 'eligibility' when 'already_achieved' then 'profile' end as deciding_role
    from marts.fct_impressions
    where workspace_id = $workspace_id and goal_id = $goal_id and profile_id = $profile_id

)

select
    impressions.received_at as moment,
    impressions.delivery_id,
    impressions.source_id,
    sources.name as source_name,
    impressions.journey_id,
    impressions.message_id,
    impressions.channel,
    deliveries.sent_at,
    impressions.outcome,
    case impressions.deciding_role when 'eligibility' then versions.eligibility when 'profile' then versions.profile_filter end as decided_by,
    versions.transition,
    states.observed_at as state_observed_at,
    readings(states.properties, filters.properties) as state,
    coalesce(conversions.achievements, 0) as credited_achievements,
    enrollments.delivery_id as enrolled_by,
    enrollments.enrolled_at,
    enrollments.enrollment_id,
    enrollments.window_ends_at,
    coalesce(enrollments.window_ends_at >= clock.as_of, true) as is_open,
    enrollments.converted_at,
    enrollments.seconds_to_convert,
    achievements.achievement_number
from impressions
inner join intermediate.int_goal_versions as versions using (workspace_id, goal_id, goal_version)
inner join intermediate.int_deliveries as deliveries using (workspace_id, delivery_id)
cross join control.clock as clock
left join marts.dim_sources as sources
    on impressions.workspace_id = sources.workspace_id and impressions.source_id = sources.source_id
left join marts.fct_delivery_conversions as conversions
    on
        impressions.workspace_id = conversions.workspace_id
        and impressions.goal_id = conversions.goal_id
        and impressions.delivery_id = conversions.delivery_id
left join marts.fct_enrollments as enrollments
    on
        impressions.workspace_id = enrollments.workspace_id
        and impressions.goal_id = enrollments.goal_id
        and impressions.source_id = enrollments.source_id
        and impressions.profile_id = enrollments.profile_id
        and impressions.journey_id is not distinct from enrollments.journey_id
left join marts.fct_achievements as achievements on enrollments.achievement_id = achievements.achievement_id
left join intermediate.int_filters as filters
    on
        impressions.workspace_id = filters.workspace_id
        and impressions.goal_id = filters.owner_id
        and impressions.goal_version = filters.owner_updated_at
        and impressions.deciding_role = filters.role
asof left join states on impressions.received_at >= states.observed_at
order by impressions.received_at, impressions.delivery_id
