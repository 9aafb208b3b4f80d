{# For a CTE that is read more than once and wide: it is computed where it is read, with the columns read there, instead of once and kept. In a
   view DuckDB remembers it as long as the process lives that made the view. #}
{% macro read_where_used() %}{{ return(adapter.dispatch('read_where_used')()) }}{% endmacro %}
{% macro default__read_where_used() %}{% endmacro %}
{% macro duckdb__read_where_used() %}not materialized{% endmacro %}

{#
    Several conditions of a filter as one. DuckDB assumes that each condition keeps 20 % of the rows; after three or four it expects
    next to none, and builds the hash table of the next join on what is in fact the large side.
#}
{% macro together(conditions) %}{{ return(adapter.dispatch('together')(conditions)) }}{% endmacro %}
{% macro default__together(conditions) %}{{ conditions }}{% endmacro %}
{% macro duckdb__together(conditions) -%}
    case when {{ conditions }} then true else false end
{%- endmacro %}
