-- Grain: one row per goal, source, profile and journey (none: null) that was enrolled; its measurement window, closed at both
-- ends; the conversion, if any: the first achievement inside the window that satisfies trigger_match (SEMANTICS, section 7).
-- One achievement may convert enrollments of several sources: do not sum impact across sources.
-- Incremental: of affected profiles, enrollments from affected_from on are computed anew, and those open then (no conversion
-- before it, and a window that reaches it) look for their conversion again, among the achievements from affected_from on.
{{ config(
    materialized='incremental', incremental_strategy='recompute',
    meta={'recompute_from': "coalesce(converted_at, window_ends_at, timestamp '9999-12-31 23:59:59.999999')"},
) }}

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
        impressions.profile_key,
        {{ surrogate_key([
            'impressions.workspace_id', 'impressions.goal_id', 'impressions.source_id', 'impressions.profile_id',
            'impressions.journey_id',
        ]) }} as enrollment_id,
        impressions.received_at as enrolled_at,
        case
            when rules.measurement_window_days = 0 then {{ end_of_local_day('impressions.received_at', 'rules.time_zone') }}
            when rules.measurement_window_days > 0
                then impressions.received_at + {{ days('rules.measurement_window_days') }}
        end as window_ends_at
    from {{ affected_rows(ref('fct_impressions'), 'received_at') }} as impressions
    inner join {{ ref('int_goal_rules') }} as rules
        on
            impressions.workspace_id = rules.workspace_id
            and impressions.goal_id = rules.goal_id
            and impressions.goal_version = rules.goal_version
    where impressions.outcome = 'enrolled'
    {%- if not from_scratch() %}

    union all

    select
        enrollments.workspace_id,
        enrollments.goal_id,
        enrollments.goal_version,
        enrollments.profile_id,
        enrollments.source_id,
        enrollments.journey_id,
        enrollments.delivery_id,
        enrollments.message_id,
        enrollments.channel,
        enrollments.profile_key,
        enrollments.enrollment_id,
        enrollments.enrolled_at,
        enrollments.window_ends_at
    from {{ this }} as enrollments
    inner join {{ ref('int_affected_profiles') }} as affected
        on
            enrollments.profile_key = affected.profile_key
            and enrollments.enrolled_at < affected.affected_from
            and coalesce(enrollments.converted_at, enrollments.window_ends_at, {{ end_of_time() }}) >= affected.affected_from
    where coalesce(enrollments.converted_at, enrollments.window_ends_at, {{ end_of_time() }}) >= {{ earliest_affected() }}
    {%- endif %}

),

-- The achievements inside each window, by number.
achievements_in_window as (

    select
        enrolled.workspace_id,
        enrolled.enrollment_id,
        enrolled.delivery_id,
        rules.trigger_predicate,
        achievements.natural_key,
        achievements.achievement_number
    from enrolled
    inner join {{ affected_rows(ref('fct_achievements'), 'achieved_at') }} as achievements
        on
            enrolled.goal_id = achievements.goal_id
            and enrolled.profile_key = achievements.profile_key
            and enrolled.enrolled_at <= achievements.achieved_at
            and coalesce(enrolled.window_ends_at, {{ end_of_time() }}) >= achievements.achieved_at
    inner join {{ ref('int_goal_rules') }} as rules
        on
            achievements.workspace_id = rules.workspace_id
            and achievements.goal_id = rules.goal_id
            and achievements.goal_version = rules.goal_version

),

-- Only those of goals with a trigger_match have values to compare.
compared as (

    select
        reached.enrollment_id,
        reached.achievement_number,
        reached.trigger_predicate,
        deliveries.landed_journey_id,
        {{ extract_properties('events.properties', 'event') }} as event_values,
        {{ extract_properties('journeys.trigger_properties', 'journey') }} as journey_values
    from achievements_in_window as reached
    {{ join_trigger_values('reached') }}
    where reached.trigger_predicate is not null

),

unpacked as (

    select
        {{- unpack_properties('event_values', 'event') }}
        {{- unpack_properties('journey_values', 'journey') }}
        enrollment_id,
        achievement_number,
        trigger_predicate,
        landed_journey_id
    from compared

),

first_achievements as (

    select
        enrollment_id,
        min(achievement_number) as achievement_number
    from (
        select
            enrollment_id,
            achievement_number
        from achievements_in_window
        where trigger_predicate is null
        union all
        select
            enrollment_id,
            achievement_number
        from unpacked
        where {{ satisfies_trigger_match() }}
    ) as converting
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
    ) as seconds_to_convert,
    enrolled.profile_key
from enrolled
left join first_achievements on enrolled.enrollment_id = first_achievements.enrollment_id
left join {{ affected_rows(ref('fct_achievements'), 'achieved_at') }} as achievements
    on
        enrolled.goal_id = achievements.goal_id
        and enrolled.profile_key = achievements.profile_key
        and first_achievements.achievement_number = achievements.achievement_number
