-- Grain: one row per enrollment that did not convert and achievement inside its window (none: null): why it did not convert it
-- (SEMANTICS, section 7). The conditions of fct_enrollments: tests/test_explain.py proves that they agree. A view: no run pays.
{{ config(materialized='view') }}
{%- set matches = satisfies_trigger_match() %}

with achievements_in_window as (

    select
        enrollments.workspace_id,
        enrollments.goal_id,
        enrollments.profile_id,
        enrollments.enrollment_id,
        enrollments.profile_key,
        enrollments.journey_id,
        rules.trigger_predicate,
        achievements.natural_key,
        achievements.achievement_id
    from {{ ref('fct_enrollments') }} as enrollments
    left join {{ ref('fct_achievements') }} as achievements
        on
            enrollments.workspace_id = achievements.workspace_id
            and enrollments.goal_id = achievements.goal_id
            and enrollments.profile_id = achievements.profile_id
            and enrollments.enrolled_at <= achievements.achieved_at
            and coalesce(enrollments.window_ends_at, {{ end_of_time() }}) >= achievements.achieved_at
    left join {{ ref('int_goal_rules') }} as rules
        on
            achievements.workspace_id = rules.workspace_id
            and achievements.goal_id = rules.goal_id
            and achievements.goal_version = rules.goal_version
    where enrollments.converted_at is null

),

judged as (

    select
        workspace_id,
        goal_id,
        profile_id,
        enrollment_id,
        achievement_id,
        case
            when achievement_id is null then 'no_achievement'
            when {{ matches }} then null
            when landed_journey_id is null then 'journey_not_landed'
            else 'trigger_not_matched'
        end as reason
    from {{ with_trigger_values('achievements_in_window', ref('stg_events'), matches) }}

)

select * from judged
