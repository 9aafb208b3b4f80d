-- Grain: one row per enrollment that converted (SEMANTICS, section 7). One achievement may convert enrollments of several
-- sources: do not sum impact_value across sources.
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
    achievements.impact_currency
from {{ ref('fct_enrollments') }} as enrollments
inner join {{ ref('fct_achievements') }} as achievements
    on
        enrollments.workspace_id = achievements.workspace_id
        and enrollments.goal_id = achievements.goal_id
        and enrollments.achievement_id = achievements.achievement_id
