{#
    Turns compiled predicates (int_predicates) into SQL. Every model that evaluates a filter calls these macros, so that one pass over
    its rows evaluates all goals.

    A reader is a kind of row whose properties predicates read: `snapshot` (a profile's snapshots), `state` (a profile's state, as event
    filters see it), `event`, `journey` (its trigger properties). int_properties lists the properties of each reader.
#}

{# The JSON pointers that a reader extracts, in the order of their positions. #}
{% macro property_pointers(reader) -%}
{%- set properties = ref('int_properties') -%}
{%- set found = goalpost.asked_once("select pointer from " ~ properties ~ " where reader = '" ~ reader ~ "' order by position") if execute else [] -%}
{{ return(found | map('first') | list) }}
{%- endmacro %}


{# A reader's values, extracted from a JSON document in one parse. #}
{% macro extract_properties(document, reader) -%}
{{ goalpost.json_values(document, goalpost.property_pointers(reader)) }}
{%- endmacro %}


{#
    The extracted values as columns, in the forms that conditions read: `<reader>_<position>` (JSON text; null: missing). If `used_in`,
    the SQL that reads the columns, names them, also `..._text` (of a scalar), `..._number` and `..._moment`, each null if the value has
    no such form.
#}
{% macro unpack_properties(list_column, reader, used_in) -%}
{%- for pointer in goalpost.property_pointers(reader) %}
        {%- set json, name = goalpost.list_item(list_column, loop.index), reader ~ '_' ~ loop.index %}
        {{ json }} as {{ name }},
        {%- if name ~ '_text' in used_in %}
        {{ goalpost.scalar_text(json) }} as {{ name }}_text,
        {%- endif %}
        {%- if name ~ '_number' in used_in %}
        {{ goalpost.json_number(json) }} as {{ name }}_number,
        {%- endif %}
        {%- if name ~ '_moment' in used_in %}
        {{ goalpost.read_moment(json) }} as {{ name }}_moment,
        {%- endif %}
{%- endfor -%}
{%- endmacro %}


{# For a kind of predicates (profile, event, trigger_match): the column that unpack_properties made, by subject and pointer. #}
{% macro property_columns(kind) -%}
{%- set readers = {
    'profile': {'property': 'snapshot'},
    'event': {'property': 'event', 'profile': 'state'},
    'trigger_match': {'property': 'event', 'trigger': 'journey'},
}[kind] -%}
{%- set columns = {} -%}
{%- for subject, reader in readers.items() -%}
{%- for pointer in goalpost.property_pointers(reader) -%}
{%- do columns.update({subject ~ pointer: reader ~ '_' ~ loop.index}) -%}
{%- endfor -%}
{%- endfor -%}
{{ return(columns) }}
{%- endmacro %}


{#
    The predicates of a kind (profile, event, trigger_match), in the order of their numbers from 0, each as SQL. `reads_profile` keeps
    only the event predicates that compare with the profile, or only those that do not; the others become `false`.
#}
{% macro predicates_sql(kind, reads_profile=none) -%}
{%- set predicates, columns = ref('int_predicates'), goalpost.property_columns(kind) -%}
{%- set found = goalpost.asked_once(
    "select distinct predicate_number, predicate, reads_profile from " ~ predicates
    ~ " where kind = '" ~ kind ~ "' order by predicate_number"
) if execute else [] -%}
{%- set all = [] -%}
{%- for _, predicate, reads in found -%}
{%- do all.append(
    goalpost.predicate_sql(fromjson(predicate), columns) if reads_profile is none or reads == reads_profile else 'false'
) -%}
{%- endfor -%}
{{ return(all) }}
{%- endmacro %}


{# For the predicate with this number: which of its conditions the row meets, in their order. Without a number, an empty list. #}
{% macro conditions_met(kind, predicate_number) -%}
{%- set predicates, columns = ref('int_predicates'), goalpost.property_columns(kind) -%}
{%- set found = goalpost.asked_once(
    "select distinct predicate_number, predicate, reads_profile from " ~ predicates
    ~ " where kind = '" ~ kind ~ "' order by predicate_number"
) if execute else [] -%}
case
            when {{ predicate_number }} is null then {{ goalpost.list_of([], 'boolean') }}
{%- for number, predicate, _ in found %}
            {%- set conditions = [] %}
            {%- for condition in fromjson(predicate).conditions %}
            {%- do conditions.append(goalpost.condition_sql(condition, columns)) %}
            {%- endfor %}
            when {{ predicate_number }} = {{ number }} then {{ goalpost.list_of(conditions, 'boolean') }}
{%- endfor %}
        end
{%- endmacro %}


{% macro predicate_sql(predicate, columns) -%}
{%- for token in predicate.tokens -%}
{{ goalpost.condition_sql(predicate.conditions[token], columns) if token is number else token }}{{ ' ' }}
{%- endfor -%}
{%- endmacro %}


{# Does the row meet the predicate with this number? True without a number. (`reads_profile`: as in predicates_sql.) #}
{% macro meets_predicate(kind, predicate_number, reads_profile=none) -%}
case
            when {{ predicate_number }} is null then true
{%- for predicate in goalpost.predicates_sql(kind, reads_profile) %}
            when {{ predicate_number }} = {{ loop.index0 }} then {{ predicate }}
{%- endfor %}
        end
{%- endmacro %}


{#
    All profile predicates of a row as bit masks, 62 bits in a word: bit n of the list is predicate n.
    One pass evaluates every goal; comparing two snapshots is then a comparison of integers.
    Returns the words, at least one, each as SQL.
#}
{% macro profile_matches() -%}
{%- set words = [] -%}
{%- for predicates in goalpost.predicates_sql('profile') | batch(62) -%}
{%- set bits = ['0'] -%}
{%- for predicate in predicates -%}
{%- do bits.append('case when ' ~ predicate ~ ' then ' ~ 2 ** loop.index0 ~ ' else 0 end') -%}
{%- endfor -%}
{%- do words.append('cast(' ~ bits | join('\n            + ') ~ ' as bigint)') -%}
{%- endfor -%}
{{ return(words or ['cast(0 as bigint)']) }}
{%- endmacro %}


{# Is bit n set? #}
{% macro is_match(matches, predicate_number) %}{{ return(adapter.dispatch('is_match')(matches, predicate_number)) }}{% endmacro %}
{% macro duckdb__is_match(matches, predicate_number) -%}
    ((({{ matches }}[{{ predicate_number }} // 62 + 1] >> ({{ predicate_number }} % 62)) & 1) = 1)
{%- endmacro %}
{% macro spark__is_match(matches, predicate_number) -%}
    ((shiftright(get({{ matches }}, cast({{ predicate_number }} div 62 as int)), cast({{ predicate_number }} % 62 as int)) & 1) = 1)
{%- endmacro %}


{# The values of a snapshot that event filters compare with: for each value of the `state` reader, the column of the `snapshot` reader. #}
{% macro state_values() -%}
{%- set snapshot, columns = goalpost.property_pointers('snapshot'), [] -%}
{%- for pointer in goalpost.property_pointers('state') -%}
{%- do columns.append('snapshot_' ~ (snapshot.index(pointer) + 1)) -%}
{%- endfor -%}
{{ return(columns) }}
{%- endmacro %}


{# A property name as a JSON pointer. A name that starts with a slash is already a pointer (SEMANTICS, section 3). #}
{% macro property_pointer(name) -%}
case when {{ name }} like '/%' then {{ name }} else '/' || replace(replace({{ name }}, '~', '~0'), '/', '~1') end
{%- endmacro %}


{#
    Does an achievement's event match the journey's trigger (SEMANTICS, section 7)? Without a trigger_match, always; with one, never
    if the journey has not landed. The rows need trigger_predicate, landed_journey_id and the unpacked `event` and `journey` values.
#}
{% macro satisfies_trigger_match() -%}
(
        trigger_predicate is null
        or (landed_journey_id is not null and {{ goalpost.meets_predicate('trigger_match', 'trigger_predicate') }})
    )
{%- endmacro %}
