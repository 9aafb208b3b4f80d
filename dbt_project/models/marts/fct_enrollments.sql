-- Grain: one row per goal, source, profile and journey (none: null) that was enrolled; its measurement window, closed at both
-- ends; the conversion, if any: the first achievement inside the window that satisfies trigger_match (SEMANTICS, section 7).
-- One achievement may convert enrollments of several sources: do not sum impact across sources.
with enrolled as (

    select
        impressions.workspace_id,
        impressions.goal_id,
        impressions.goal_version,
        impressions.profile_id,
        impressions.source_id,
        impressions.journey_id,
        impressions.delivery_id,
        impressions.message_id,
        impressions.channel,
        impressions.received_at as enrolled_at,
        impressions.landed_journey_id,
        {{ surrogate_key([
            'impressions.workspace_id', 'impressions.goal_id', 'impressions.source_id', 'impressions.profile_id',
            'impressions.journey_id',
        ]) }} as enrollment_id,
        case
            when rules.measurement_window_days = 0 then {{ end_of_local_day('impressions.received_at', 'rules.time_zone') }}
            when rules.measurement_window_days > 0
                then impressions.received_at + {{ days('rules.measurement_window_days') }}
        end as window_ends_at
    from {{ ref('int_impressions') }} as impressions
    inner join {{ ref('int_goal_rules') }} as rules
        on
            impressions.workspace_id = rules.workspace_id
            and impressions.goal_id = rules.goal_id
            and impressions.goal_version = rules.goal_version
    where
        impressions.is_eligible
        and not impressions.is_in_goal_state
        and impressions.eligible_number = 1

),

-- The achievements inside each window, with the values that a trigger_match compares.
achievements_in_window as (

    select
        {{- unpack_properties('achievements.event_values', 'event') }}
        {{- unpack_properties('journeys.journey_values', 'journey') }}
        enrolled.enrollment_id,
        enrolled.landed_journey_id,
        rules.trigger_predicate,
        achievements.achievement_number
    from enrolled
    inner join {{ ref('int_achievements') }} as achievements
        on
            enrolled.workspace_id = achievements.workspace_id
            and enrolled.goal_id = achievements.goal_id
            and enrolled.profile_id = achievements.profile_id
            and enrolled.enrolled_at <= achievements.achieved_at
            and coalesce(enrolled.window_ends_at, {{ end_of_time() }}) >= achievements.achieved_at
    inner join {{ ref('int_goal_rules') }} as rules
        on
            achievements.workspace_id = rules.workspace_id
            and achievements.goal_id = rules.goal_id
            and achievements.goal_version = rules.goal_version
    left join {{ ref('int_journeys') }} as journeys
        on
            enrolled.workspace_id = journeys.workspace_id
            and enrolled.landed_journey_id = journeys.journey_id

),

first_achievements as (

    select
        enrollment_id,
        min(achievement_number) as achievement_number
    from achievements_in_window
    where {{ satisfies_trigger_match() }}
    group by enrollment_id

)

select
    enrolled.workspace_id,
    enrolled.goal_id,
    enrolled.goal_version,
    enrolled.profile_id,
    enrolled.source_id,
    enrolled.journey_id,
    enrolled.delivery_id,
    enrolled.message_id,
    enrolled.channel,
    enrolled.enrollment_id,
    enrolled.enrolled_at,
    enrolled.window_ends_at,
    achievements.achieved_at as converted_at,
    achievements.achievement_id,
    cast(
        {{ elapsed_microseconds('enrolled.enrolled_at', 'achievements.achieved_at') }} / cast(1000000 as double) as decimal(18, 6)
    ) as seconds_to_convert
from enrolled
left join first_achievements on enrolled.enrollment_id = first_achievements.enrollment_id
left join {{ ref('int_achievements') }} as achievements
    on
        enrolled.workspace_id = achievements.workspace_id
        and enrolled.goal_id = achievements.goal_id
        and enrolled.profile_id = achievements.profile_id
        and first_achievements.achievement_number = achievements.achievement_number
