-- Grain: one row per enrollment that converted (SEMANTICS, section 7). One achievement may convert enrollments of several
-- sources: do not sum impact_value across sources.
-- Incremental: those of affected profiles that converted from affected_from on are recomputed.
{{ config(materialized='recompute', meta={'recompute_from': 'converted_at'}) }}

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
    enrollments.enrollment_id,
    enrollments.achievement_id,
    enrollments.enrolled_at,
    enrollments.converted_at,
    achievements.impact_value,
    achievements.impact_currency,
    enrollments.profile_key
from {{ affected_rows(ref('fct_enrollments'), 'converted_at') }} as enrollments
inner join {{ affected_rows(ref('fct_achievements'), 'achieved_at') }} as achievements
    on
        enrollments.profile_key = achievements.profile_key
        and enrollments.goal_id = achievements.goal_id
        and enrollments.achievement_id = achievements.achievement_id
