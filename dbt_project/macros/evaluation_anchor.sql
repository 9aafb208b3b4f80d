{#
    The moment at which an evaluation window begins (SEMANTICS, section 6): the profile's first event with the rule's event name, by the
    rule's event clock, or its first snapshot. `first_events` holds a profile's first event of each name, by both clocks. Null: no anchor.
#}
{% macro evaluation_anchor(rule, first_events, first_snapshot_at) -%}
case
            when {{ rule }}.evaluation_event_name is null then {{ first_snapshot_at }}
            when {{ rule }}.event_clock = 'occurred' then {{ first_events }}.first_occurred_at
            else {{ first_events }}.first_received_at
        end
{%- endmacro %}
