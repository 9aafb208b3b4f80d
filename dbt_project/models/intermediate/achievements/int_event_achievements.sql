-- Grain: one row per goal and event that reaches its target (SEMANTICS, section 6): the name is the target's, its filter holds,
-- and so does its profile part as of that moment. The moment is received_at, or occurred_at by the goal's clock.
-- A view of what this run computes: the events of affected profiles from affected_from on.
{{ config(materialized='view') }}

with events as (

    select
        workspace_id,
        event_id,
        profile_id,
        profile_key,
        name,
        occurred_at,
        received_at,
        {{ extract_properties('properties', 'event') }} as event_values
    from {{ affected_rows(ref('stg_events'), 'latest_moment') }} as events
    where name in (select event_name from {{ ref('int_goal_rules') }})

),

rules as (

    select * from {{ ref('int_goal_rules') }}
    where event_name is not null

),

candidates as (

    select
        events.*,
        rules.goal_id,
        rules.goal_version,
        rules.event_clock,
        rules.valid_from,
        rules.event_predicate,
        rules.profile_predicate,
        rules.transition,
        rules.impact_value as static_impact_value,
        rules.impact_position,
        case when rules.reads_profile then events.profile_key end as state_profile_key,
        case rules.event_clock when 'occurred' then events.occurred_at else events.received_at end as achieved_at,
        case rules.event_clock when 'occurred' then events.received_at else events.occurred_at end as other_clock_at
    from events
    inner join rules on events.workspace_id = rules.workspace_id and events.name = rules.event_name
    where
        case rules.event_clock when 'occurred' then events.occurred_at else events.received_at end >= rules.valid_from
        and case rules.event_clock when 'occurred' then events.occurred_at else events.received_at end
        < least(rules.valid_to, rules.counts_until)
        -- for events the moment tested against the workspace's data_start_at is received_at
        and events.received_at >= rules.data_start_at

),

-- An event counts at most once per goal: the earliest version in whose interval it lies judges it alone. Two versions can claim
-- one event only where they go by different clocks.
judged_once as (

    select candidates.*
    from candidates
    left join rules as earlier
        on
            candidates.workspace_id = earlier.workspace_id
            and candidates.goal_id = earlier.goal_id
            and candidates.event_clock <> earlier.event_clock
            and candidates.valid_from > earlier.valid_from
            and candidates.other_clock_at >= earlier.valid_from
            and candidates.other_clock_at < earlier.valid_to
    where earlier.goal_id is null

),

with_state as (

    select
        judged_once.*,
        coalesce(states.matches, missing_state.matches) as matches,
        coalesce(states.state_values, missing_state.state_values) as state_values
    from judged_once
    left join {{ ref('int_profile_states') }} as states
        on
            judged_once.state_profile_key = states.profile_key
            and judged_once.achieved_at >= states.valid_from
            and judged_once.achieved_at < states.valid_to
    cross join {{ ref('int_missing_state') }} as missing_state

),

unpacked as (

    select
        {{- unpack_properties('event_values', 'event') }}
        {{- unpack_properties('state_values', 'state') }}
        *
    from with_state

)

select
    workspace_id,
    goal_id,
    goal_version,
    profile_id,
    profile_key,
    'event' as kind,
    event_id as natural_key,
    achieved_at,
    case
        when impact_position is null then static_impact_value
        else {{ read_amount(scalar_text(list_item('event_values', 'impact_position'))) }}
    end as impact_value
from unpacked
where
    {{ meets_predicate('event', 'event_predicate') }}
    and (profile_predicate is null or {{ is_match('matches', 'profile_predicate') }} = (transition = 'enter'))
