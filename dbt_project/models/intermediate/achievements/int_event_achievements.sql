-- Grain: one row per goal and event that reaches its target (SEMANTICS, section 6): the event has the target's name, the target's
-- filter holds, and its profile part holds at that moment. The goal's clock sets the moment: received_at or occurred_at.
-- Holds what this run computes: events of affected profiles from affected_from on. A table, because the joins of all kinds of
-- achievements in one statement would need too much memory.
{{ config(meta={'holds': 'increment'}) }}
{%- set meets_its_filter = meets_predicate('event', 'rules.event_predicate', reads_profile=false) %}
{%- set meets_its_filter_with_the_profile = meets_predicate('event', 'event_predicate', reads_profile=true) %}

with named_events as (

    select
        workspace_id,
        event_id,
        profile_id,
        profile_key,
        name,
        occurred_at,
        received_at,
        {{ extract_properties('properties', 'event') }} as event_values
    from {{ affected_rows(ref('stg_events'), 'received_at') }} as events
    where name in (select event_name from {{ ref('int_goal_rules') }})

),

events as (

    select
        {{- unpack_properties('event_values', 'event', used_in=meets_its_filter ~ meets_its_filter_with_the_profile) }}
        *
    from named_events

),

-- An event counts at most once per goal: only the earliest version whose interval contains it judges it. Two versions can claim
-- the same event only if they use different clocks.
candidates as (

    select
        events.*,
        rules.rule_number,
        rules.event_predicate,
        rules.event_reads_profile,
        rules.profile_predicate,
        rules.transition,
        rules.impact_value as static_impact_value,
        rules.impact_currency,
        {{ list_item('events.event_values', 'rules.impact_position') }} as impact_property,
        {{ list_item('events.event_values', 'rules.currency_position') }} as currency_property,
        rules.impact_position,
        case when rules.reads_profile then events.profile_key end as state_profile_key,
        case rules.event_clock when 'occurred' then events.occurred_at else events.received_at end as achieved_at
    from events
    inner join {{ ref('int_goal_rules') }} as rules on events.workspace_id = rules.workspace_id and events.name = rules.event_name
    {%- set counts %}
        case rules.event_clock when 'occurred' then events.occurred_at else events.received_at end >= rules.valid_from
        and case rules.event_clock when 'occurred' then events.occurred_at else events.received_at end
        < least(rules.valid_to, rules.counts_until)
        -- for events, received_at decides whether they are before the workspace's data_start_at
        and events.received_at >= rules.data_start_at
        and (rules.event_reads_profile or {{ meets_its_filter }})
        and not {{ lies_in_any(
            "case rules.event_clock when 'occurred' then events.received_at else events.occurred_at end", 'rules.earlier_by_other_clock'
        ) }}
    {%- endset %}
    where {{ together(counts) }}

),

with_state as (

    select
        candidates.*,
        coalesce(states.matches, missing_state.matches) as matches,
        coalesce(states.state_values, missing_state.state_values) as state_values
    from candidates
    left join {{ affected_rows(ref('int_profile_states'), 'valid_to') }} as states
        on
            candidates.state_profile_key = states.profile_key
            and candidates.achieved_at >= states.valid_from
            and candidates.achieved_at < states.valid_to
    cross join {{ ref('int_missing_state') }} as missing_state

),

unpacked as (

    select
        {{- unpack_properties('state_values', 'state', used_in=meets_its_filter_with_the_profile) }}
        *
    from with_state

),

-- The event's currency, if it differs from the goal's. A value that is empty or not a text counts as different.
with_currency as (

    select
        *,
        case
            when currency_property is null then null
            when
                {{ is_json_text('currency_property') }}
                and upper({{ scalar_text('currency_property') }}) = upper(impact_currency)
                then null
            when currency_property = '""' then ''
            else coalesce({{ scalar_text('currency_property') }}, currency_property)
        end as unconverted_currency
    from unpacked

)

select
    rule_number,
    profile_id,
    profile_key,
    'event' as kind,
    event_id as natural_key,
    achieved_at,
    -- amounts are not converted: an amount in another currency gives no value
    case
        when unconverted_currency is not null then null
        when impact_position is null then static_impact_value
        else {{ read_amount(scalar_text('impact_property')) }}
    end as impact_value,
    unconverted_currency
from with_currency
where
    (not event_reads_profile or {{ meets_its_filter_with_the_profile }})
    and (profile_predicate is null or {{ is_match('matches', 'profile_predicate') }} = (transition = 'enter'))
