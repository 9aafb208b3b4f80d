{#
    Adds to rows the values that a trigger_match compares (SEMANTICS, section 7), unpacked as satisfies_trigger_match() reads them
    (`matches`), and landed_journey_id. The rows need trigger_predicate, natural_key, journey_id, profile_key and workspace_id. The values
    come from the achievement's event, one of `events`, and from the journey; a journey of another profile counts as not landed.
    Only for rows with a trigger_predicate, the macro reads them again from what landed. It looks up the few events needed instead of
    keeping all of them in memory.
#}
{% macro with_trigger_values(rows, events, matches) -%}
    {%- set event_key = goalpost.key_of(['workspace_id', 'natural_key']) -%}
    (
        select
            {{- goalpost.unpack_properties('event_values', 'event', used_in=matches) }}
            {{- goalpost.unpack_properties('journey_values', 'journey', used_in=matches) }}
            *
        from (
            select
                asking.*,
                journeys.journey_id as landed_journey_id,
                {{ goalpost.extract_properties('events.properties', 'event') }} as event_values,
                {{ goalpost.extract_properties('journeys.trigger_properties', 'journey') }} as journey_values
            from (
                select
                    *,
                    case when trigger_predicate is not null then {{ event_key }} end as asked_event_key,
                    case
                        when trigger_predicate is not null then {{ goalpost.key_of(['workspace_id', 'journey_id']) }}
                    end as asked_journey_key
                from {{ rows }}
            ) as asking
            left join (
                select * from {{ events }} as events
                where
                    name in (select event_name from {{ ref('int_goal_rules') }} where trigger_predicate is not null)
                    and event_key in (select {{ event_key }} from {{ rows }} where trigger_predicate is not null)
            ) as events
                on asking.asked_event_key = events.event_key
            left join {{ ref('stg_journeys') }} as journeys
                on asking.asked_journey_key = journeys.journey_key and asking.profile_key = journeys.profile_key
        ) as compared
    ) as unpacked
{%- endmacro %}
