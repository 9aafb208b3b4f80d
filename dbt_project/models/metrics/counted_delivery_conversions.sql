-- Grain: one row per goal and delivery credited within its own source up to as_of, on the day of its first achievement there.
select
    facts.workspace_id,
    facts.goal_id,
    facts.source_id,
    facts.channel,
    facts.message_id,
    facts.journey_id,
    facts.profile_key,
    {{ local_day('facts.first_converted_at', 'workspaces.time_zone') }} as converted_on
from {{ counted('fct_delivery_conversions') }} as facts
inner join {{ counted('dim_workspaces') }} as workspaces on facts.workspace_id = workspaces.workspace_id
where facts.first_converted_at <= workspaces.as_of
