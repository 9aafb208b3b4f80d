-- Grain: one row per achievement up to as_of, with its credit (last touch), on its day in the workspace.
select
    facts.workspace_id,
    facts.goal_id,
    facts.source_id,
    facts.channel,
    facts.message_id,
    facts.profile_key,
    facts.is_first,
    facts.is_attributed,
    facts.unattributed_reason,
    facts.impact_value,
    {{ local_day('facts.achieved_at', 'workspaces.time_zone') }} as achieved_on
from {{ counted('fct_attributions') }} as facts
inner join {{ counted('dim_workspaces') }} as workspaces on facts.workspace_id = workspaces.workspace_id
where facts.achieved_at <= workspaces.as_of
