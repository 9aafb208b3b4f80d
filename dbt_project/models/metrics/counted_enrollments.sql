-- Grain: one row per enrollment up to as_of, on the day in the workspace on which it began, and what became of it up to as_of.
select
    facts.workspace_id,
    facts.goal_id,
    facts.source_id,
    facts.channel,
    facts.message_id,
    facts.profile_key,
    facts.window_ends_at < workspaces.as_of as is_closed,
    facts.converted_at <= workspaces.as_of as is_converted,
    case when facts.converted_at <= workspaces.as_of then facts.seconds_to_convert end as seconds_to_convert,
    {{ local_day('facts.enrolled_at', 'workspaces.time_zone') }} as enrolled_on
from {{ counted('fct_enrollments') }} as facts
inner join {{ counted('dim_workspaces') }} as workspaces on facts.workspace_id = workspaces.workspace_id
where facts.enrolled_at <= workspaces.as_of
