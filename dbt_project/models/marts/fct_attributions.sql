-- Grain: one row per achievement: the touch that gets the credit, the last one, or why there is none (SEMANTICS, section 8).
-- Attributed and unattributed rows together are all achievements.
with last_touches as (

    select * from {{ ref('fct_touches') }}
    where touch_number = touches

),

-- The reason goes by the deliveries of the 90 days before the achievement.
recent_candidates as (

    select
        achievement_id,
        max(case when touch_at is not null then 1 else 0 end) = 1 as has_touch
    from {{ ref('int_candidates') }}
    where is_recent
    group by achievement_id

)

select
    achievements.workspace_id,
    achievements.goal_id,
    achievements.goal_version,
    achievements.profile_id,
    last_touches.source_id,
    last_touches.journey_id,
    last_touches.delivery_id,
    last_touches.message_id,
    last_touches.channel,
    achievements.achievement_id,
    last_touches.achievement_id is not null as is_attributed,
    last_touches.touch_metric,
    last_touches.touch_at,
    case
        when last_touches.achievement_id is not null then null
        when recent_candidates.achievement_id is null then 'no_delivery'
        when not recent_candidates.has_touch then 'no_qualifying_metric'
        else 'outside_window'
    end as unattributed_reason,
    achievements.achieved_at,
    achievements.is_first,
    achievements.impact_value
from {{ ref('fct_achievements') }} as achievements
left join last_touches on achievements.achievement_id = last_touches.achievement_id
left join recent_candidates on achievements.achievement_id = recent_candidates.achievement_id
