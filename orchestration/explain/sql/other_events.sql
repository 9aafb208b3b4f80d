-- The person's events with names that the goal never targeted, and whether the name is similar to a targeted one.
select
    events.name,
    count(*) as events,
    max(jaro_winkler_similarity(lower(trim(events.name)), lower(asked.event_name))) >= 0.85 as is_near
from staging.stg_events as events
cross join (
    select distinct event_name
    from intermediate.int_goal_rules
    where workspace_id = $workspace_id and goal_id = $goal_id and event_name is not null
) as asked
where events.workspace_id = $workspace_id and events.profile_id = $profile_id
group by events.name
having not bool_or(events.name = asked.event_name)
order by is_near desc, events desc, events.name
