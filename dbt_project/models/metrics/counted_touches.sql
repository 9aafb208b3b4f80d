-- Grain: one row per touch of an achievement up to as_of, on the day in the workspace of the achievement.
select
    facts.workspace_id,
    facts.goal_id,
    facts.source_id,
    facts.channel,
    facts.message_id,
    facts.profile_key,
    facts.credit_first,
    facts.credit_last,
    facts.credit_linear,
    facts.credit_position,
    facts.credit_time_decay,
    achievements.impact_value,
    {{ local_day('facts.achieved_at', 'workspaces.time_zone') }} as achieved_on
from {{ counted('fct_touches') }} as facts
inner join {{ counted('dim_workspaces') }} as workspaces on facts.workspace_id = workspaces.workspace_id
inner join {{ counted('fct_attributions') }} as achievements on facts.achievement_id = achievements.achievement_id
where facts.achieved_at <= workspaces.as_of
