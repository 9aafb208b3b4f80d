-- Landed rows of the person's events that could not be staged, with a name that the goal targets or without a name.
select
    events.event_id,
    events.name as event_name,
    events.reason_code,
    events.problem,
    events.path,
    events.row_number
from quarantine.events as events
where
    events.workspace_id = $workspace_id
    and events.profile_id = $profile_id
    and coalesce(events.name, '') in (
        select event_name from intermediate.int_goal_rules where workspace_id = $workspace_id and goal_id = $goal_id
        union all
        select ''
    )
    and exists (
        select 1
        from intermediate.int_goal_rules
        where workspace_id = $workspace_id and goal_id = $goal_id and event_name is not null
    )
order by events.path, events.row_number
