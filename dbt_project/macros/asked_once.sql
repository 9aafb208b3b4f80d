{#
    The rows of a query that a model's SQL is written by, asked once a run. It may read what no model of the run changes any more when
    the asking model is compiled: what that model refers to, or itself. dbt hands all models the same `graph` (unit tests: none): they
    lie there, by the run, for a process may run dbt more than once.
#}
{% macro asked_once(query) -%}
{%- set asked, place = graph if graph is mapping else {}, invocation_id ~ ' ' ~ query -%}
{%- if place not in asked -%}
{%- do asked.update({place: run_query(query).rows}) -%}
{%- endif -%}
{{ return(asked[place]) }}
{%- endmacro %}


{# Ask it again: its answer has changed. #}
{% macro forget(query) -%}
{%- do graph.pop(invocation_id ~ ' ' ~ query, none) -%}
{%- endmacro %}
