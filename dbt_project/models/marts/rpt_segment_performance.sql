-- Grain: one row per goal and segment of its workspace, by the segment's newest definition, up to as_of (SEMANTICS,
-- section 10). People are in several segments: do not sum over them.
with clock as (

    select as_of from {{ source('control', 'clock') }}

),

segments as (

    select
        goals.workspace_id,
        goals.goal_id,
        predicates.owner_id as segment_id,
        predicates.predicate_number
    from {{ ref('dim_goals') }} as goals
    inner join {{ ref('int_predicates') }} as predicates
        on goals.workspace_id = predicates.workspace_id and predicates.role = 'segment'
    where goals.is_current

),

-- Enrollments by the state at enrolled_at.
enrollments as (

    select
        enrollments.workspace_id,
        enrollments.goal_id,
        coalesce(enrollments.converted_at <= clock.as_of, false) as is_converted,
        coalesce(states.matches, missing_state.matches) as matches
    from {{ ref('fct_enrollments') }} as enrollments
    inner join clock on enrollments.enrolled_at <= clock.as_of
    left join {{ ref('int_profile_states') }} as states
        on
            enrollments.workspace_id = states.workspace_id
            and enrollments.profile_id = states.profile_id
            and enrollments.enrolled_at >= states.valid_from
            and enrollments.enrolled_at < states.valid_to
    cross join {{ ref('int_missing_state') }} as missing_state

),

enrolled as (

    select
        segments.workspace_id,
        segments.goal_id,
        segments.segment_id,
        count(*) as enrolled,
        count(case when enrollments.is_converted then 1 end) as converted
    from enrollments
    inner join segments
        on enrollments.workspace_id = segments.workspace_id and enrollments.goal_id = segments.goal_id
    where {{ is_match('enrollments.matches', 'segments.predicate_number') }}
    group by segments.workspace_id, segments.goal_id, segments.segment_id

),

achievers as (

    select
        achievements.workspace_id,
        achievements.goal_id,
        achievements.profile_id
    from {{ ref('fct_achievements') }} as achievements
    inner join clock on achievements.achieved_at <= clock.as_of
    where achievements.is_first

),

-- Profiles by the state at as_of.
members as (

    select
        segments.workspace_id,
        segments.goal_id,
        segments.segment_id,
        count(*) as members,
        count(achievers.profile_id) as achievers
    from {{ ref('int_profile_states') }} as states
    inner join clock
        on states.valid_from <= clock.as_of and states.valid_to > clock.as_of
    inner join segments on states.workspace_id = segments.workspace_id
    left join achievers
        on
            segments.workspace_id = achievers.workspace_id
            and segments.goal_id = achievers.goal_id
            and states.profile_id = achievers.profile_id
    where {{ is_match('states.matches', 'segments.predicate_number') }}
    group by segments.workspace_id, segments.goal_id, segments.segment_id

)

select
    segments.workspace_id,
    segments.goal_id,
    segments.segment_id,
    coalesce(enrolled.enrolled, 0) as enrolled,
    coalesce(enrolled.converted, 0) as converted,
    {{ rate('enrolled.converted', 'enrolled.enrolled') }} as conversion_rate,
    coalesce(members.members, 0) as members,
    coalesce(members.achievers, 0) as achievers,
    {{ rate('members.achievers', 'members.members') }} as achiever_rate
from segments
left join enrolled
    on
        segments.workspace_id = enrolled.workspace_id
        and segments.goal_id = enrolled.goal_id
        and segments.segment_id = enrolled.segment_id
left join members
    on
        segments.workspace_id = members.workspace_id
        and segments.goal_id = members.goal_id
        and segments.segment_id = members.segment_id
