{# md5 of the parts, joined by U+001F; null is empty text (SEMANTICS, section 6). No id holds a U+001F: that is bad_key. #}
{% macro surrogate_key(parts) -%}
    md5(concat_ws(chr(31){% for part in parts %}, coalesce({{ part }}, ''){% endfor %}))
{%- endmacro %}
