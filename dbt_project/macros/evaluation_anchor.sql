{#
    Where an evaluation window begins (SEMANTICS, section 6): at the profile's first event of the rule's name, by its event clock, or at its
    first snapshot. `first_events` holds a profile's first events of each name, by either clock. Null: no anchor.
#}
{% macro evaluation_anchor(rule, first_events, first_snapshot_at) -%}
case
            when {{ rule }}.evaluation_event_name is null then {{ first_snapshot_at }}
            when {{ rule }}.event_clock = 'occurred' then {{ first_events }}.first_occurred_at
            else {{ first_events }}.first_received_at
        end
{%- endmacro %}
