{#
    The rows of a query whose result shapes a model's SQL. Each run executes the query once. The query may read only tables that no
    model of the run still changes when dbt compiles the calling model: what that model refers to, or itself. dbt passes the same `graph`
    to all models (to unit tests: none). The rows are kept in it, under the run's id, because a process may run dbt more than once.
    `dbt compile --no-introspect` needs no warehouse: there a query has no rows.
#}
{% macro asked_once(query) -%}
{%- set asked, place = graph if graph is mapping else {}, invocation_id ~ ' ' ~ query -%}
{%- if place not in asked -%}
{%- do asked.update({place: run_query(query).rows if flags.INTROSPECT else []}) -%}
{%- endif -%}
{{ return(asked[place]) }}
{%- endmacro %}


{# Drops the kept rows of a query whose result has changed, so that the next call executes it again. #}
{% macro forget(query) -%}
{%- do graph.pop(invocation_id ~ ' ' ~ query, none) -%}
{%- endmacro %}
