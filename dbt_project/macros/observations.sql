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
    How long each property of a person had each value, from the rows of int_profile_observations: workspace_id, profile_id, profile_key,
    name, value (JSON text, never missing), valid_from, valid_to (exclusive; the end of time: until now).
#}
{% macro property_spans(observations) -%}
with placed as (

    select
        *,
        row_number() over (partition by profile_key order by {{ goalpost.in_observation_order() }}) as place
    from {{ observations }} as observations

),

until_whole as (

    select
        *,
        min(case when is_whole then place end) over (
            partition by profile_key order by place asc nulls last rows between 1 following and unbounded following
        ) as next_whole_place
    from placed

),

said as (

    select distinct
        workspace_id,
        profile_id,
        profile_key,
        observed_at,
        place,
        next_whole_place,
        properties,
        {{ goalpost.one_row_an_item(goalpost.json_keys('properties')) }} as name
    from until_whole

),

read as (

    select
        *,
        coalesce({{ goalpost.json_value('properties', goalpost.key_pointer('name')) }}, 'null') as value,
        lead(place) over (partition by profile_key, name order by place asc nulls last) as next_place
    from said

)

select
    read.workspace_id,
    read.profile_id,
    read.profile_key,
    read.name,
    read.value,
    read.observed_at as valid_from,
    coalesce(until_then.observed_at, {{ goalpost.end_of_time() }}) as valid_to
from read
left join placed as until_then
    on
        read.profile_key = until_then.profile_key
        and least(coalesce(read.next_place, read.next_whole_place), coalesce(read.next_whole_place, read.next_place)) = until_then.place
where read.value <> 'null' and (until_then.observed_at is null or until_then.observed_at > read.observed_at)
{%- endmacro %}
