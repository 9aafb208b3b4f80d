{# A rate; null if the denominator is 0 (SEMANTICS, section 10). #}
{% macro rate(numerator, denominator) -%}
    cast({{ numerator }} as double) / nullif({{ denominator }}, 0)
{%- endmacro %}
