{# A text as an SQL literal. U+0000, which SQL text may not contain, becomes a function call. #}
{% macro text_literal(value) %}{{ return(adapter.dispatch('text_literal')(value)) }}{% endmacro %}
{% macro duckdb__text_literal(value) -%}
('{{ value | replace("'", "''") | replace("\u0000", "' || chr(0) || '") }}')
{%- endmacro %}
{# A backslash escapes what follows it, and two quotes are none. #}
{% macro spark__text_literal(value) -%}
('{{ value | replace("\\", "\\\\") | replace("'", "\\'") | replace("\u0000", "' || chr(0) || '") }}')
{%- endmacro %}

{# Does a text contain, start with or end with another (op: contains, starts_with, ends_with)? #}
{% macro compares_texts(op, text, other) %}{{ return(adapter.dispatch('compares_texts')(op, text, other)) }}{% endmacro %}
{% macro duckdb__compares_texts(op, text, other) -%}
    {{ op }}({{ text }}, {{ other }})
{%- endmacro %}
{% macro spark__compares_texts(op, text, other) -%}
    {{ op | replace('_', '') }}({{ text }}, {{ other }})
{%- endmacro %}
