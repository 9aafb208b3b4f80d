{#
    A person's state (SEMANTICS, section 5). What is observed of a person is a snapshot, which says all of its properties, or a change,
    which says those that it sets (int_profile_observations). The value of a property as of a moment is what the last observation that
    says anything of it says. Each observation is evaluated in its order; a snapshot, and a deletion, says of every other property that
    it is missing (is_whole).
#}


{# The order of a person's observations: a deletion is the last of its moment, a snapshot (its change_id is empty) the first. #}
{% macro observation_order() -%}
{{ return(['observed_at', 'is_deleted', 'change_id']) }}
{%- endmacro %}


{# For `over (… order by …)`. #}
{% macro in_observation_order() -%}
{{ goalpost.observation_order() | join(' asc nulls last, ') }} asc nulls last
{%- endmacro %}


{#
    What an observation says of a property: its value as JSON text, 'null' if it says that it is missing; null if it says nothing.
    `value` is the value at the property's pointer, `top_value` that of the top-level key: a change sets its keys as wholes.
#}
{% macro said_value(value, top_value, is_whole) -%}
coalesce({{ value }}, case when {{ is_whole }} or {{ top_value }} is not null then 'null' end)
{%- endmacro %}


{# The pointer of the top-level key in a pointer that is itself known here: /address for /address/city. #}
{% macro top_level_pointer(pointer) -%}
{{ return('/' ~ pointer.split('/')[1]) }}
{%- endmacro %}


{#
    Did any change of a profile ever land? If not, a snapshot is a whole state, and its models do nothing more than read it. If so, a kept
    state has all values that predicates read (int_properties: the reader `state`), because later changes are laid over them.
#}
{% macro has_profile_changes() -%}
{%- set changes = ref('base_profile_changes') -%}
{%- set found = goalpost.asked_once("select 1 from " ~ changes ~ " where is_standing limit 1") if execute else [] -%}
{{ return(found | length > 0) }}
{%- endmacro %}


{#
    All properties as of the last of these rows of int_profile_observations, as a JSON object in the order of the names; null: none. Grain:
    the columns `by`, which are one person, or one person at one moment. For few people: it reads every key.
#}
{% macro laid_over(observations, by) -%}
select
    {{ by | join(',\n    ') }},
    {{ goalpost.json_object_of('name', 'value') }} as properties
from (
    select
        {{ by | join(',\n        ') }},
        name,
        {{ goalpost.last_by('value', goalpost.observation_order() + ['-place']) }} as value
    from (
        select
            *,
            {{ goalpost.list_item('names', 'place') }} as name,
            {{ goalpost.list_item('said_values', 'place') }} as value
        from (
            select
                {{ by | join(',\n                ') }},
                {{ goalpost.observation_order() | join(',\n                ') }},
                {{ goalpost.json_keys('properties') }} as names,
                {{ goalpost.json_items_of_keys('properties') }} as said_values,
                {{ goalpost.one_row_a_position(goalpost.json_keys('properties')) }} as place
            from (
                select
                    *,
                    max(case when is_whole then observed_at end) over (partition by {{ by | join(', ') }}) as whole_at,
                    max(case when is_deleted then observed_at end) over (partition by {{ by | join(', ') }}) as deleted_at
                from {{ observations }} as observations
            ) as bounded
            where
                observed_at >= coalesce(whole_at, observed_at)
                and (deleted_at is null or observed_at > deleted_at)
        ) as spread
    ) as said
    group by {{ by | join(', ') }}, name
) as newest
where value <> 'null'
group by {{ by | join(', ') }}
{%- endmacro %}
