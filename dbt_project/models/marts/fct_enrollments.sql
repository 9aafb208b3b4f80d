-- Grain: one row per goal, source, profile and journey (none: null) that was enrolled; its measurement window, closed at both
-- ends; the conversion, if any: the first achievement inside the window that satisfies trigger_match (SEMANTICS, section 7).
-- One achievement may convert enrollments of several sources: do not sum impact across sources.
-- Incremental: of affected profiles, enrollments from affected_from on are recomputed. Those before that converted since look
-- for their conversion again, and so do those still open; an open one is rewritten only if it now converts.
{{ config(
    materialized='recompute', unique_key=['profile_key', 'enrollment_id'],
    meta={'recompute_from': 'coalesce(converted_at, enrolled_at)'},
) }}
{%- set matches = satisfies_trigger_match() %}

with enrolled as {{ read_where_used() }} (

    select
        *,
        {{ enrollment_key('impressions') }} as enrollment_key,
        false as was_open
    from {{ ref('int_enrolled_impressions') }} as impressions
    {%- if not from_scratch() %}

    union all

    -- with the columns in the order of int_enrolled_impressions
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
        enrollments.enrolled_at,
        enrollments.window_ends_at,
        {{ enrollment_key('enrollments') }} as enrollment_key,
        enrollments.converted_at is null as was_open
    from {{ this }} as enrollments
    inner join {{ ref('int_affected_profiles') }} as affected
        on
            enrollments.profile_key = affected.profile_key
            and enrollments.enrolled_at < affected.affected_from
            and coalesce(enrollments.converted_at, enrollments.window_ends_at, {{ end_of_time() }}) >= affected.affected_from
    where coalesce(enrollments.converted_at, enrollments.window_ends_at, {{ end_of_time() }}) >= {{ earliest_affected() }}
    {%- endif %}

),

achievements_in_window as (

    select
        enrolled.workspace_id,
        enrolled.enrollment_key,
        enrolled.profile_key,
        enrolled.journey_id,
        achievements.natural_key,
        achievements.achievement_id,
        achievements.achieved_at,
        achievements.achievement_number,
        rules.trigger_predicate
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

conversions as (

    select
        enrollment_key,
        min(achieved_at) as converted_at,
        {{ first_by('achievement_id', ['achievement_number']) }} as achievement_id
    from {{ with_trigger_values('achievements_in_window', affected_rows(ref('stg_events'), 'received_at'), matches) }}
    where {{ matches }}
    group by enrollment_key

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
    {{ surrogate_key([
        'enrolled.workspace_id', 'enrolled.goal_id', 'enrolled.source_id', 'enrolled.profile_id', 'enrolled.journey_id',
    ]) }} as enrollment_id,
    enrolled.enrolled_at,
    enrolled.window_ends_at,
    conversions.converted_at,
    conversions.achievement_id,
    cast(
        {{ elapsed_microseconds('enrolled.enrolled_at', 'conversions.converted_at') }} / cast(1000000 as double) as decimal(18, 6)
    ) as seconds_to_convert,
    enrolled.profile_key
from enrolled
left join conversions on enrolled.enrollment_key = conversions.enrollment_key
where not enrolled.was_open or conversions.enrollment_key is not null
