{#
    From compiled predicates (int_predicates) to SQL. Every model that judges a filter calls these, so that all goals are judged
    in one pass over their rows.

    A reader is one kind of row that predicates read properties of: `snapshot` (a profile's snapshots), `state` (a profile's state,
    as event filters see it), `event`, `journey` (its trigger properties). int_properties lists the properties of each reader.
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
    The extracted values as columns, in the ways that conditions read them: `<reader>_<position>` (JSON text; null: missing), and,
    where `used_in`, the SQL that reads them, asks for it, `..._text` (of a scalar), `..._number` and `..._moment`, each null where the
    value is no such thing.
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


{# Of a kind of predicates (profile, event, trigger_match): by subject and pointer, the column that unpack_properties made. #}
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
    The predicates of a kind (profile, event, trigger_match), in the order of their numbers from 0, each as SQL. With
    `reads_profile`, only those event predicates that compare with the profile, or only those that do not; `false` for the others.
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


{# Of the predicate with this number: which of its conditions, in their order, the row meets. An empty list where there is none. #}
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


{# Does the row meet the predicate with this number? True where there is none. (`reads_profile`: of these alone.) #}
{% macro meets_predicate(kind, predicate_number, reads_profile=none) -%}
case
            when {{ predicate_number }} is null then true
{%- for predicate in goalpost.predicates_sql(kind, reads_profile) %}
            when {{ predicate_number }} = {{ loop.index0 }} then {{ predicate }}
{%- endfor %}
        end
{%- endmacro %}


{#
    All profile predicates of a row as bit masks, 62 to a word: bit n of the list is predicate n.
    One pass evaluates every goal; what changes between two snapshots is then a comparison of integers.
    The words, one at least, each as SQL.
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


{# The values of a snapshot that event filters compare with: the `state` reader's, each as a column of the snapshot's. #}
{% macro state_values() -%}
{%- set snapshot, columns = goalpost.property_pointers('snapshot'), [] -%}
{%- for pointer in goalpost.property_pointers('state') -%}
{%- do columns.append('snapshot_' ~ (snapshot.index(pointer) + 1)) -%}
{%- endfor -%}
{{ return(columns) }}
{%- endmacro %}


{# A property name as a JSON pointer: it is one already where it starts with a slash (SEMANTICS, section 3). #}
{% macro property_pointer(name) -%}
case when {{ name }} like '/%' then {{ name }} else '/' || replace(replace({{ name }}, '~', '~0'), '/', '~1') end
{%- endmacro %}


{#
    Does an achievement's event fit the journey's trigger (SEMANTICS, section 7)? Without a trigger_match, always; with one, never
    where no journey landed. For rows with trigger_predicate, landed_journey_id and the unpacked `event` and `journey` values.
#}
{% macro satisfies_trigger_match() -%}
(
        trigger_predicate is null
        or (landed_journey_id is not null and {{ goalpost.meets_predicate('trigger_match', 'trigger_predicate') }})
    )
{%- endmacro %}
