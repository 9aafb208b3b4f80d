{# For a wide CTE that is read more than once: DuckDB computes it at each place that reads it, with the columns needed there, instead of
   once. In a view, DuckDB remembers this only as long as the process that created the view lives. #}
{% macro read_where_used() %}{{ return(adapter.dispatch('read_where_used')()) }}{% endmacro %}
{% macro default__read_where_used() %}{% endmacro %}
{% macro duckdb__read_where_used() %}not materialized{% endmacro %}

{#
    Several conditions of a filter as one. DuckDB assumes that each condition keeps 20 % of the rows. After three or four it expects
    almost none, and builds the hash table of the next join on the side that is in fact the large one.
#}
{% macro together(conditions) %}{{ return(adapter.dispatch('together')(conditions)) }}{% endmacro %}
{% macro default__together(conditions) %}{{ conditions }}{% endmacro %}
{% macro duckdb__together(conditions) -%}
    case when {{ conditions }} then true else false end
{%- endmacro %}
