-- Grain: one row per achievement and qualifying delivery, numbered in time, with its credit under each attribution model
-- (SEMANTICS, section 8). The credits of one achievement sum to exactly 1 in every model; do not sum touches over goals.
-- Incremental: the touches of achievements that are recomputed. int_touch_times, int_touches and int_touch_credits compute them.
{{ config(materialized='recompute', meta={'recompute_from': 'achieved_at'}) }}

select
    achievements.workspace_id,
    achievements.goal_id,
    achievements.goal_version,
    achievements.profile_id,
    credits.source_id,
    credits.journey_id,
    credits.delivery_id,
    credits.message_id,
    credits.channel,
    achievements.achievement_id,
    achievements.achieved_at,
    credits.touch_metric,
    credits.touch_at,
    credits.touch_number,
    credits.touches,
    credits.credit_first,
    credits.credit_last,
    credits.credit_linear,
    credits.credit_position,
    credits.credit_time_decay,
    credits.profile_key
from {{ ref('int_touch_credits') }} as credits
inner join {{ ref('int_goal_rules') }} as rules on credits.rule_number = rules.rule_number
inner join {{ affected_rows(ref('fct_achievements'), 'achieved_at') }} as achievements
    on
        credits.profile_key = achievements.profile_key
        and credits.achievement_number = achievements.achievement_number
        and rules.workspace_id = achievements.workspace_id
        and rules.goal_id = achievements.goal_id
