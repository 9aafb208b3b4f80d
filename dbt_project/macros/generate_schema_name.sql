{#
    In every environment, a model is in exactly the schema that its folder names (staging, intermediate, quarantine). The marts are in
    a database file of their own, attached as `marts`, in its main schema. So a mart is `marts.fct_impressions` here, and
    `fct_impressions` in the published file, which is a copy.
#}
{% macro generate_schema_name(custom_schema_name, node) -%}
    {{ 'main' if custom_schema_name == 'marts' and target.type == 'duckdb' else custom_schema_name or target.schema }}
{%- endmacro %}
