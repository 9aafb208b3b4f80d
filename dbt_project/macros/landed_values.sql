{#
    The values that a trigger_match compares (SEMANTICS, section 7), joined to rows that carry trigger_predicate, delivery_id,
    natural_key and workspace_id: those of the achievement's event, and those of the journey that sent the delivery. Read again
    from what landed, for goals with a trigger_match only; the few that are asked for are looked up, not all of them held.
#}
{% macro join_trigger_values(rows) -%}
    {%- set event_key = goalpost.key_of([rows ~ '.workspace_id', rows ~ '.natural_key']) -%}
    {%- set delivery_key = goalpost.key_of([rows ~ '.workspace_id', rows ~ '.delivery_id']) -%}
    left join (select * from {{ ref('stg_events') }} where event_key in (select {{ event_key }} from {{ rows }})) as events
        on {{ event_key }} = events.event_key
    left join (
        select * from {{ ref('int_sendable_deliveries') }}
        where delivery_key in (select {{ delivery_key }} from {{ rows }})
    ) as deliveries
        on {{ delivery_key }} = deliveries.delivery_key
    left join {{ ref('stg_journeys') }} as journeys on deliveries.landed_journey_key = journeys.journey_key
{%- endmacro %}
