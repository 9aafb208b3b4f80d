-- Grain: one row per goal and segment of its workspace, by the segment's newest definition, up to as_of (SEMANTICS,
-- section 10). A person may be in several segments: do not sum over segments.
with clock as (

    select as_of from {{ source('control', 'clock') }}

),

segments as (

    select
        workspace_id,
        owner_id as segment_id,
        predicate_number
    from {{ ref('int_predicates') }}
    where role = 'segment'

),

enrolled as (

    select
        workspace_id,
        goal_id,
        segment_id,
        cast(sum(enrolled) as bigint) as enrolled,
        cast(sum(converted) as bigint) as converted
    from {{ ref('int_segment_days') }}
    group by workspace_id, goal_id, segment_id

),

-- Profiles by the state at as_of.
members as (

    select
        segments.workspace_id,
        segments.segment_id,
        states.profile_key
    from {{ ref('int_profile_states') }} as states
    inner join clock
        on states.valid_from <= clock.as_of and states.valid_to > clock.as_of
    inner join segments on states.workspace_id = segments.workspace_id
    where {{ is_match('states.matches', 'segments.predicate_number') }}

),

counted_members as (

    select
        workspace_id,
        segment_id,
        count(*) as members
    from members
    group by workspace_id, segment_id

),

achievers as (

    select
        members.workspace_id,
        achievements.goal_id,
        members.segment_id,
        count(*) as achievers
    from members
    inner join {{ ref('fct_achievements') }} as achievements on members.profile_key = achievements.profile_key
    inner join clock on achievements.achieved_at <= clock.as_of
    where achievements.is_first
    group by members.workspace_id, achievements.goal_id, members.segment_id

)

select
    goals.workspace_id,
    goals.goal_id,
    segments.segment_id,
    coalesce(enrolled.enrolled, 0) as enrolled,
    coalesce(enrolled.converted, 0) as converted,
    {{ rate('enrolled.converted', 'enrolled.enrolled') }} as conversion_rate,
    coalesce(counted_members.members, 0) as members,
    coalesce(achievers.achievers, 0) as achievers,
    {{ rate('coalesce(achievers.achievers, 0)', 'counted_members.members') }} as achiever_rate
from {{ ref('dim_goals') }} as goals
inner join segments on goals.workspace_id = segments.workspace_id
left join enrolled
    on
        goals.workspace_id = enrolled.workspace_id
        and goals.goal_id = enrolled.goal_id
        and segments.segment_id = enrolled.segment_id
left join counted_members
    on segments.workspace_id = counted_members.workspace_id and segments.segment_id = counted_members.segment_id
left join achievers
    on
        goals.workspace_id = achievers.workspace_id
        and goals.goal_id = achievers.goal_id
        and segments.segment_id = achievers.segment_id
where goals.is_current
