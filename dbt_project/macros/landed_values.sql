{#
    The values that a trigger_match compares (SEMANTICS, section 7), joined to rows that carry trigger_predicate, delivery_id,
    natural_key and workspace_id: those of the achievement's event, and those of the journey that sent the delivery. Read again
    from what landed, for goals with a trigger_match only.
#}
{% macro join_trigger_values(rows) -%}
    left join {{ ref('stg_events') }} as events
        on
            {{ goalpost.key_of([rows ~ '.workspace_id', rows ~ '.natural_key']) }} = events.event_key
    left join {{ ref('int_sendable_deliveries') }} as deliveries
        on
            {{ goalpost.key_of([rows ~ '.workspace_id', rows ~ '.delivery_id']) }} = deliveries.delivery_key
    left join {{ ref('stg_journeys') }} as journeys on deliveries.landed_journey_key = journeys.journey_key
{%- endmacro %}
