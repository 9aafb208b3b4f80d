{#
    A model lives in exactly the schema its folder names (staging, intermediate, quarantine), in every environment. The marts are in
    a database file of their own, attached as `marts`: in its main schema, so that `marts.fct_impressions` names one here, and
    `fct_impressions` in the published file, which is a copy.
#}
{% macro generate_schema_name(custom_schema_name, node) -%}
    {{ 'main' if node.config.database == 'marts' else custom_schema_name or target.schema }}
{%- endmacro %}
