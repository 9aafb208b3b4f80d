{# Lists: build one, its length, whether it contains an item, one row per item, one value of a map. #}

{% macro list_has(list, item) %}{{ return(adapter.dispatch('list_has')(list, item)) }}{% endmacro %}
{% macro duckdb__list_has(list, item) -%}
    coalesce(list_contains({{ list }}, {{ item }}), false)
{%- endmacro %}

{% macro one_row_an_item(list) %}{{ return(adapter.dispatch('one_row_an_item')(list)) }}{% endmacro %}
{% macro duckdb__one_row_an_item(list) -%}
    unnest({{ list }})
{%- endmacro %}

{% macro map_value(map, key) %}{{ return(adapter.dispatch('map_value')(map, key)) }}{% endmacro %}
{% macro duckdb__map_value(map, key) -%}
    {{ map }}[{{ key }}]
{%- endmacro %}

{# The item at a position (from 1); null if there is none. #}
{% macro list_item(list, position) %}{{ return(adapter.dispatch('list_item')(list, position)) }}{% endmacro %}
{% macro duckdb__list_item(list, position) -%}
    {{ list }}[{{ position }}]
{%- endmacro %}

{# One row per position of a list, from 1. #}
{% macro one_row_a_position(list) %}{{ return(adapter.dispatch('one_row_a_position')(list)) }}{% endmacro %}
{% macro duckdb__one_row_a_position(list) -%}
    unnest(generate_series(1, len({{ list }})))
{%- endmacro %}

{# One row per whole number from a first to a last one, both included. #}
{% macro one_row_a_number(first, last) %}{{ return(adapter.dispatch('one_row_a_number')(first, last)) }}{% endmacro %}
{% macro duckdb__one_row_a_number(first, last) -%}
    unnest(generate_series({{ first }}, {{ last }}))
{%- endmacro %}

{% macro list_length(list) %}{{ return(adapter.dispatch('list_length')(list)) }}{% endmacro %}
{% macro duckdb__list_length(list) -%}
    len({{ list }})
{%- endmacro %}

{% macro list_of(items, type) %}{{ return(adapter.dispatch('list_of')(items, type)) }}{% endmacro %}
{% macro duckdb__list_of(items, type) -%}
    cast([{{ items | join(', ') }}] as {{ type }}[])
{%- endmacro %}

{# The intervals (from since, before until) of a group's rows that meet a condition, as a list; is a moment in one of a list? #}
{% macro list_of_intervals(since, until, condition) %}{{ return(adapter.dispatch('list_of_intervals')(since, until, condition)) }}{% endmacro %}
{% macro duckdb__list_of_intervals(since, until, condition) -%}
    list(struct_pack(since := {{ since }}, until := {{ until }})) filter (where {{ condition }})
{%- endmacro %}

{% macro lies_in_any(moment, intervals) %}{{ return(adapter.dispatch('lies_in_any')(moment, intervals)) }}{% endmacro %}
{% macro duckdb__lies_in_any(moment, intervals) -%}
    case
            when {{ intervals }} is null then false
            else len(list_filter({{ intervals }}, lambda each: {{ moment }} >= each.since and {{ moment }} < each.until)) > 0
        end
{%- endmacro %}

{# The value in the first row of a group, by the order of several columns. #}
{% macro first_by(value, order_columns) %}{{ return(adapter.dispatch('first_by')(value, order_columns)) }}{% endmacro %}
{% macro duckdb__first_by(value, order_columns) -%}
    arg_min({{ value }}, ({{ order_columns | join(', ') }}))
{%- endmacro %}

{# The value in the last row of a group that has one. #}
{% macro last_by(value, order_columns) %}{{ return(adapter.dispatch('last_by')(value, order_columns)) }}{% endmacro %}
{% macro duckdb__last_by(value, order_columns) -%}
    arg_max({{ value }}, ({{ order_columns | join(', ') }}))
{%- endmacro %}
