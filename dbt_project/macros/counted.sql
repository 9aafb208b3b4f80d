{#
    A mart as the views of models/metrics read it: without the database's name, so that the published file, which is a copy and has
    another name, holds views that work.
#}
{% macro counted(mart) -%}
{{ ref(mart).include(database=false) }}
{%- endmacro %}
