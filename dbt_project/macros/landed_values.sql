{#
    The values that a trigger_match compares (SEMANTICS, section 7), joined to rows that carry trigger_predicate, natural_key,
    journey_id, profile_key and workspace_id: those of the achievement's event, one of `events`, and those of the journey, which as
    one of another profile counts as not landed. Read again from what landed, for goals with a trigger_match only; the few events
    that are asked for are looked up, not all of them held.
#}
{% macro join_trigger_values(rows, events) -%}
    {%- set event_key = goalpost.key_of([rows ~ '.workspace_id', rows ~ '.natural_key']) -%}
    left join (select * from {{ events }} as events where event_key in (select {{ event_key }} from {{ rows }})) as events
        on {{ event_key }} = events.event_key
    left join {{ ref('stg_journeys') }} as journeys
        on {{ goalpost.key_of([rows ~ '.workspace_id', rows ~ '.journey_id']) }} = journeys.journey_key and {{ rows }}.profile_key = journeys.profile_key
{%- endmacro %}
