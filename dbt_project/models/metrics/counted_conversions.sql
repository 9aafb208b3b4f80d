-- Grain: one row per conversion up to as_of, on the day in the workspace on which it happened.
select
    facts.workspace_id,
    facts.goal_id,
    facts.source_id,
    facts.channel,
    facts.message_id,
    facts.profile_key,
    facts.impact_value,
    {{ local_day('facts.converted_at', 'workspaces.time_zone') }} as converted_on
from {{ counted('fct_conversions') }} as facts
inner join {{ counted('dim_workspaces') }} as workspaces on facts.workspace_id = workspaces.workspace_id
where facts.converted_at <= workspaces.as_of
