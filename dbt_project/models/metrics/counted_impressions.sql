-- Grain: one row per goal and received delivery up to as_of, on its day in the workspace.
select
    facts.workspace_id,
    facts.goal_id,
    facts.source_id,
    facts.channel,
    facts.message_id,
    facts.journey_id,
    facts.profile_key,
    facts.outcome,
    facts.is_first,
    {{ local_day('facts.received_at', 'workspaces.time_zone') }} as received_on
from {{ counted('fct_impressions') }} as facts
inner join {{ counted('dim_workspaces') }} as workspaces on facts.workspace_id = workspaces.workspace_id
where facts.received_at <= workspaces.as_of
