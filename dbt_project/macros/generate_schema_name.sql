{# A model lives in exactly the schema its folder names (staging, intermediate, marts, quarantine), in every environment. #}
{% macro generate_schema_name(custom_schema_name, node) -%}
    {{ custom_schema_name or target.schema }}
{%- endmacro %}
