{# Lists: build one, its length, whether it contains an item, one row per item, one value of a map. #}

{% macro list_has(list, item) %}{{ return(adapter.dispatch('list_has')(list, item)) }}{% endmacro %}
{% macro duckdb__list_has(list, item) -%}
    coalesce(list_contains({{ list }}, {{ item }}), false)
{%- endmacro %}
{% macro spark__list_has(list, item) -%}
    coalesce(array_contains({{ list }}, {{ item }}), false)
{%- endmacro %}

{% macro one_row_an_item(list) %}{{ return(adapter.dispatch('one_row_an_item')(list)) }}{% endmacro %}
{% macro duckdb__one_row_an_item(list) -%}
    unnest({{ list }})
{%- endmacro %}
{% macro spark__one_row_an_item(list) -%}
    explode({{ list }})
{%- endmacro %}

{% macro map_value(map, key) %}{{ return(adapter.dispatch('map_value')(map, key)) }}{% endmacro %}
{% macro duckdb__map_value(map, key) -%}
    {{ map }}[{{ key }}]
{%- endmacro %}
{% macro spark__map_value(map, key) -%}
    element_at({{ map }}, {{ key }})
{%- endmacro %}

{# The item at a position (from 1); null if there is none. #}
{% macro list_item(list, position) %}{{ return(adapter.dispatch('list_item')(list, position)) }}{% endmacro %}
{% macro duckdb__list_item(list, position) -%}
    {{ list }}[{{ position }}]
{%- endmacro %}
{% macro spark__list_item(list, position) -%}
    get({{ list }}, cast({{ position }} as int) - 1)
{%- endmacro %}

{# One row per position of a list, from 1. #}
{% macro one_row_a_position(list) %}{{ return(adapter.dispatch('one_row_a_position')(list)) }}{% endmacro %}
{% macro duckdb__one_row_a_position(list) -%}
    unnest(generate_series(1, len({{ list }})))
{%- endmacro %}
{% macro spark__one_row_a_position(list) -%}
    {{ goalpost.one_row_a_number(1, 'size(' ~ list ~ ')') }}
{%- endmacro %}

{# One row per whole number from a first to a last one, both included. #}
{% macro one_row_a_number(first, last) %}{{ return(adapter.dispatch('one_row_a_number')(first, last)) }}{% endmacro %}
{% macro duckdb__one_row_a_number(first, last) -%}
    unnest(generate_series({{ first }}, {{ last }}))
{%- endmacro %}
{% macro spark__one_row_a_number(first, last) -%}
    explode(case
        when {{ first }} <= {{ last }} then sequence(cast({{ first }} as bigint), cast({{ last }} as bigint)) else array()
    end)
{%- endmacro %}

{% macro list_length(list) %}{{ return(adapter.dispatch('list_length')(list)) }}{% endmacro %}
{% macro duckdb__list_length(list) -%}
    len({{ list }})
{%- endmacro %}
{% macro spark__list_length(list) -%}
    case when {{ list }} is not null then size({{ list }}) end
{%- endmacro %}

{% macro list_of(items, type) %}{{ return(adapter.dispatch('list_of')(items, type)) }}{% endmacro %}
{% macro duckdb__list_of(items, type) -%}
    cast([{{ items | join(', ') }}] as {{ type }}[])
{%- endmacro %}
{% macro spark__list_of(items, type) -%}
    cast(array({{ items | join(', ') }}) as array<{{ type }}>)
{%- endmacro %}

{# The intervals (from since, before until) of a group's rows that meet a condition, as a list; is a moment in one of a list? #}
{% macro list_of_intervals(since, until, condition) %}{{ return(adapter.dispatch('list_of_intervals')(since, until, condition)) }}{% endmacro %}
{% macro duckdb__list_of_intervals(since, until, condition) -%}
    list(struct_pack(since := {{ since }}, until := {{ until }})) filter (where {{ condition }})
{%- endmacro %}
{% macro spark__list_of_intervals(since, until, condition) -%}
    collect_list(struct({{ since }} as since, {{ until }} as until)) filter (where {{ condition }})
{%- endmacro %}

{% macro lies_in_any(moment, intervals) %}{{ return(adapter.dispatch('lies_in_any')(moment, intervals)) }}{% endmacro %}
{% macro duckdb__lies_in_any(moment, intervals) -%}
    case
            when {{ intervals }} is null then false
            else len(list_filter({{ intervals }}, lambda each: {{ moment }} >= each.since and {{ moment }} < each.until)) > 0
        end
{%- endmacro %}
{% macro spark__lies_in_any(moment, intervals) -%}
    coalesce(exists({{ intervals }}, each -> {{ moment }} >= each.since and {{ moment }} < each.until), false)
{%- endmacro %}

{# The value in the first row of a group, by the order of several columns. #}
{% macro first_by(value, order_columns) %}{{ return(adapter.dispatch('first_by')(value, order_columns)) }}{% endmacro %}
{% macro duckdb__first_by(value, order_columns) -%}
    arg_min({{ value }}, ({{ order_columns | join(', ') }}))
{%- endmacro %}
{% macro spark__first_by(value, order_columns) -%}
    min_by({{ value }}, struct({{ order_columns | join(', ') }})) filter (where {{ value }} is not null)
{%- endmacro %}

{# A window function: the last value up to this row that is not null. #}
{% macro last_known(value) %}{{ return(adapter.dispatch('last_known')(value)) }}{% endmacro %}
{% macro duckdb__last_known(value) -%}
    last_value({{ value }} ignore nulls)
{%- endmacro %}
{% macro spark__last_known(value) -%}
    last_value({{ value }}) ignore nulls
{%- endmacro %}

{# The value in the last row of a group that has one. #}
{% macro last_by(value, order_columns) %}{{ return(adapter.dispatch('last_by')(value, order_columns)) }}{% endmacro %}
{% macro duckdb__last_by(value, order_columns) -%}
    arg_max({{ value }}, ({{ order_columns | join(', ') }}))
{%- endmacro %}
{% macro spark__last_by(value, order_columns) -%}
    max_by({{ value }}, struct({{ order_columns | join(', ') }})) filter (where {{ value }} is not null)
{%- endmacro %}
