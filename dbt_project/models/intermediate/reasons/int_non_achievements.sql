-- Grain: one row per goal and event that is not an achievement of it, although a version of the goal targets events of that name:
-- the reason (SEMANTICS, section 6), that is the first condition of int_event_achievements or int_achievements that fails.
-- tests/test_explain.py proves that each such event is in exactly one of the two. A view: it costs a run nothing.
{{ config(materialized='view') }}
{%- set meets_its_filter = meets_predicate('event', 'event_predicate') %}
{%- set conditions = conditions_met('event', 'event_predicate') %}
{%- set moment = "case rules.event_clock when 'occurred' then events.occurred_at else events.received_at end" %}

with goals as (

    select
        workspace_id,
        goal_id,
        min(valid_from) as started_at
    from {{ ref('int_goal_rules') }}
    group by workspace_id, goal_id

),

asked as (

    select distinct
        rules.workspace_id,
        rules.goal_id,
        rules.event_name as name,
        goals.started_at
    from {{ ref('int_goal_rules') }} as rules
    inner join goals on rules.workspace_id = goals.workspace_id and rules.goal_id = goals.goal_id
    where rules.event_name is not null

),

events as (

    select
        events.workspace_id,
        asked.goal_id,
        asked.started_at,
        events.profile_id,
        events.profile_key,
        events.event_id,
        events.name,
        events.occurred_at,
        events.received_at,
        events.properties
    from {{ ref('stg_events') }} as events
    inner join asked on events.workspace_id = asked.workspace_id and events.name = asked.name

),

-- The version that judges the event: the earliest whose interval contains the event's moment by that version's clock.
claimed as (

    select
        events.*,
        rules.goal_version,
        rules.event_name,
        rules.event_clock,
        rules.event_predicate,
        rules.profile_predicate,
        rules.transition,
        rules.data_start_at,
        rules.counts_until,
        rules.evaluation_window_days,
        rules.evaluation_event_name,
        {{ moment }} as judged_at,
        row_number() over (
            partition by events.workspace_id, events.goal_id, events.profile_id, events.event_id
            order by rules.valid_from asc nulls last
        ) as claim_number
    from events
    left join {{ ref('int_goal_rules') }} as rules
        on
            events.workspace_id = rules.workspace_id
            and events.goal_id = rules.goal_id
            and rules.event_name is not null
            and {{ moment }} >= rules.valid_from
            and {{ moment }} < rules.valid_to

),

-- The anchors of evaluation windows, as in int_achievements.
first_events as (

    select
        profile_key,
        name,
        min(received_at) as first_received_at,
        min(occurred_at) as first_occurred_at
    from {{ ref('stg_events') }}
    where name in (select evaluation_event_name from {{ ref('int_goal_rules') }})
    group by profile_key, name

),

with_state as (

    select
        claimed.*,
        {{ evaluation_anchor('claimed', 'first_events', 'profiles.first_observed_at') }} as anchored_at,
        coalesce(states.matches, missing_state.matches) as matches,
        {{ extract_properties('claimed.properties', 'event') }} as event_values,
        coalesce(states.state_values, missing_state.state_values) as state_values
    from claimed
    left join {{ ref('int_profile_states') }} as states
        on
            claimed.profile_key = states.profile_key
            and claimed.judged_at >= states.valid_from
            and claimed.judged_at < states.valid_to
    left join first_events
        on claimed.profile_key = first_events.profile_key and claimed.evaluation_event_name = first_events.name
    left join {{ ref('dim_profiles') }} as profiles
        on claimed.workspace_id = profiles.workspace_id and claimed.profile_id = profiles.profile_id
    cross join {{ ref('int_missing_state') }} as missing_state
    where claimed.claim_number = 1

),

unpacked as (

    select
        {{- unpack_properties('event_values', 'event', used_in=meets_its_filter) }}
        {{- unpack_properties('state_values', 'state', used_in=meets_its_filter) }}
        *
    from with_state

),

judged as (

    select
        workspace_id,
        goal_id,
        goal_version,
        profile_id,
        event_id,
        name,
        event_name as asked_name,
        occurred_at,
        received_at,
        coalesce(judged_at, received_at) as judged_at,
        evaluation_window_days,
        evaluation_event_name,
        anchored_at,
        transition,
        {{ conditions }} as conditions_met,
        case
            when goal_version is null and (received_at < started_at or occurred_at < started_at) then 'before_goal'
            when goal_version is null then 'between_versions'
            when name <> event_name then 'another_event'
            when received_at < data_start_at then 'before_data_start'
            when judged_at >= counts_until then 'not_active'
            when not {{ meets_its_filter }} then 'filter_not_met'
            when
                profile_predicate is not null
                and {{ is_match('matches', 'profile_predicate') }} <> (transition = 'enter')
                then 'profile_not_met'
            when evaluation_window_days is not null and anchored_at is null then 'no_anchor'
            when evaluation_window_days is not null and judged_at < anchored_at then 'before_evaluation_window'
            when
                evaluation_window_days is not null
                and {{ elapsed_microseconds('anchored_at', 'judged_at') }} > evaluation_window_days * 86400000000
                then 'after_evaluation_window'
        end as reason
    from unpacked

)

select * from judged
where reason is not null
