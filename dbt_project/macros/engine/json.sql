{# JSON as DuckDB does it. Documents stay the text that landed; properties are addressed by RFC 6901 pointers. #}

{#
    Is the text JSON as RFC 8259 has it? DuckDB's parser also takes trailing commas, NaN and Infinity: where the text could
    hold one, its strings are blanked out and the rest is looked at.
#}
{% macro is_json(text) %}{{ return(adapter.dispatch('is_json')(text)) }}{% endmacro %}
{% macro duckdb__is_json(text) -%}
    {%- set lax = "(?i),[[:space:]]*[]}]|nan|inf" -%}
    (json_valid({{ text }}) and not (
        regexp_matches({{ text }}, '{{ lax }}')
        and regexp_matches(regexp_replace({{ text }}, '"([^"\\]|\\.)*"', '""', 'g'), '{{ lax }}')
    ))
{%- endmacro %}

{% macro is_json_list_of_text(text) %}{{ return(adapter.dispatch('is_json_list_of_text')(text)) }}{% endmacro %}
{% macro duckdb__is_json_list_of_text(text) -%}
    (json_type({{ text }}) = 'ARRAY' and len(list_filter(json_extract({{ text }}, '$[*]'), lambda item: json_type(item) <> 'VARCHAR')) = 0)
{%- endmacro %}

{# One value of a document, as text without quotes; null where it is missing or JSON null. #}
{% macro json_text(document, pointer) %}{{ return(adapter.dispatch('json_text')(document, pointer)) }}{% endmacro %}
{% macro duckdb__json_text(document, pointer) -%}
    json_extract_string({{ document }}, '{{ pointer }}')
{%- endmacro %}

{# A list of texts out of a document: [] where it is missing. #}
{% macro json_text_list(document, pointer) %}{{ return(adapter.dispatch('json_text_list')(document, pointer)) }}{% endmacro %}
{% macro duckdb__json_text_list(document, pointer) -%}
    coalesce(from_json(json_extract({{ document }}, '{{ pointer }}'), '["VARCHAR"]'), [])
{%- endmacro %}

{# An object of texts out of a document, as a map: empty where it is missing. #}
{% macro json_text_map(document, pointer) %}{{ return(adapter.dispatch('json_text_map')(document, pointer)) }}{% endmacro %}
{% macro duckdb__json_text_map(document, pointer) -%}
    coalesce(from_json(json_extract({{ document }}, '{{ pointer }}'), '"MAP(VARCHAR, VARCHAR)"'), map())
{%- endmacro %}

{#
    Several values of a document in one parse: a list in the order of the pointers, each the value as JSON text,
    null where it is missing or JSON null.
#}
{% macro json_values(document, pointers) %}{{ return(adapter.dispatch('json_values')(document, pointers)) }}{% endmacro %}
{% macro duckdb__json_values(document, pointers) -%}
    {%- if pointers -%}
    list_transform(
        cast(json_extract({{ document }}, [{% for pointer in pointers %}{{ goalpost.text_literal(pointer) }}{{ ', ' if not loop.last }}{% endfor %}]) as varchar[]),
        lambda item: nullif(item, 'null')
    )
    {%- else -%}
    cast([] as varchar[])
    {%- endif -%}
{%- endmacro %}

{# The text of a JSON value that is a scalar (text without its quotes), else null. #}
{% macro scalar_text(json_value) %}{{ return(adapter.dispatch('scalar_text')(json_value)) }}{% endmacro %}
{% macro duckdb__scalar_text(json_value) -%}
    case when {{ json_value }}[1] not in ('{', '[') then json_extract_string({{ json_value }}, '$') end
{%- endmacro %}

{# Which kind of value a JSON text is; and whether any element of an array meets a condition on `item`. #}
{% macro is_json_text(json_value) -%}
    {{ json_value }} like '"%'
{%- endmacro %}

{% macro is_json_array(json_value) -%}
    {{ json_value }} like '[%'
{%- endmacro %}

{% macro any_element(json_value, condition) %}{{ return(adapter.dispatch('any_element')(json_value, condition)) }}{% endmacro %}
{% macro duckdb__any_element(json_value, condition) -%}
    len(list_filter(cast(json_extract({{ json_value }}, '$[*]') as varchar[]), lambda item: coalesce({{ condition }}, false))) > 0
{%- endmacro %}
