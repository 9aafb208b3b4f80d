{# JSON in DuckDB. Documents stay the text that landed; RFC 6901 pointers address their properties. #}

{#
    Is the text JSON by RFC 8259? DuckDB's parser also accepts trailing commas, NaN and Infinity. If the text may contain one of them, the
    macro empties the strings and searches the rest. (A regular expression that begins with a literal is several times faster than one
    that combines them all.)
#}
{% macro is_json(text) %}{{ return(adapter.dispatch('is_json')(text)) }}{% endmacro %}
{% macro duckdb__is_json(text) -%}
    {%- set no_number = '[[:space:]]*[+-]?(?i:nan|inf)' -%}
    {%- set lax = ',[[:space:]]*[]}]|(?i:nan|inf)' -%}
    (json_valid({{ text }}) and case
        when regexp_matches({{ text }}, ',([[:space:]]*[]}]|{{ no_number }})')
            or regexp_matches({{ text }}, ':{{ no_number }}')
            or regexp_matches({{ text }}, '[[]{{ no_number }}')
            or regexp_matches({{ text }}, '^{{ no_number }}')
            then not regexp_matches(regexp_replace({{ text }}, '"([^"\\]|\\.)*"', '""', 'g'), '{{ lax }}')
        else true
    end)
{%- endmacro %}

{# Is it a JSON object? A JSON text that contains JSON is not an object. #}
{% macro is_json_object(text) -%}
    (starts_with(ltrim({{ text }}, chr(32) || chr(9) || chr(10) || chr(13)), '{') and {{ goalpost.is_json(text) }})
{%- endmacro %}

{# A list of ids from a JSON list: a text is an id, and a whole number becomes its integer text (42345.0: 42345); anything else: null. #}
{% macro json_id_list(text) %}{{ return(adapter.dispatch('json_id_list')(text)) }}{% endmacro %}
{% macro duckdb__json_id_list(text) -%}
    list_transform(
        cast(json_extract({{ text }}, '$[*]') as varchar[]),
        lambda item: case
            when item like '"%' then json_extract_string(item, '$')
            when regexp_full_match(item, '0|-?[1-9][0-9]*') then item
            when isfinite(try_cast(item as double)) and try_cast(item as double) = trunc(try_cast(item as double))
                then printf('%.0f', try_cast(item as double) + 0.0)
        end
    )
{%- endmacro %}

{% macro is_json_list_of_ids(text) %}{{ return(adapter.dispatch('is_json_list_of_ids')(text)) }}{% endmacro %}
{% macro duckdb__is_json_list_of_ids(text) -%}
    (json_type({{ text }}) = 'ARRAY' and len(list_filter({{ goalpost.json_id_list(text) }}, lambda id: id is null)) = 0)
{%- endmacro %}

{# One value of a document, as text without quotes; null if it is missing or JSON null. #}
{% macro json_text(document, pointer) %}{{ return(adapter.dispatch('json_text')(document, pointer)) }}{% endmacro %}
{% macro duckdb__json_text(document, pointer) -%}
    json_extract_string({{ document }}, '{{ pointer }}')
{%- endmacro %}

{# A list of texts from a document; [] if it is missing. #}
{% macro json_text_list(document, pointer) %}{{ return(adapter.dispatch('json_text_list')(document, pointer)) }}{% endmacro %}
{% macro duckdb__json_text_list(document, pointer) -%}
    coalesce(from_json(json_extract({{ document }}, '{{ pointer }}'), '["VARCHAR"]'), [])
{%- endmacro %}

{# An object of texts from a document, as a map; empty if it is missing. #}
{% macro json_text_map(document, pointer) %}{{ return(adapter.dispatch('json_text_map')(document, pointer)) }}{% endmacro %}
{% macro duckdb__json_text_map(document, pointer) -%}
    coalesce(from_json(json_extract({{ document }}, '{{ pointer }}'), '"MAP(VARCHAR, VARCHAR)"'), map())
{%- endmacro %}

{#
    One value of a document as JSON text, at a pointer that is itself a column: of json_value null if it is missing or JSON null, of
    json_item null only if it is missing.
#}
{% macro json_value(document, pointer) -%}
nullif({{ goalpost.json_item(document, pointer) }}, 'null')
{%- endmacro %}

{% macro json_item(document, pointer) %}{{ return(adapter.dispatch('json_item')(document, pointer)) }}{% endmacro %}
{% macro duckdb__json_item(document, pointer) -%}
    cast(json_extract({{ document }}, {{ pointer }}) as varchar)
{%- endmacro %}

{#
    Several values of a document in one parse: a list in the order of the pointers, with each value as JSON text,
    null if it is missing or JSON null.
#}
{% macro json_values(document, pointers) %}{{ return(adapter.dispatch('json_values')(document, pointers)) }}{% endmacro %}
{% macro duckdb__json_values(document, pointers) -%}
    {%- if pointers -%}
    list_transform({{ goalpost.json_items(document, pointers) }}, lambda item: nullif(item, 'null'))
    {%- else -%}
    cast([] as varchar[])
    {%- endif -%}
{%- endmacro %}

{# As json_values, but JSON null is the text 'null': only what is missing is null. Of no document: null. #}
{% macro json_items(document, pointers) %}{{ return(adapter.dispatch('json_items')(document, pointers)) }}{% endmacro %}
{% macro duckdb__json_items(document, pointers) -%}
    cast(json_extract({{ document }}, [{% for pointer in pointers %}{{ goalpost.text_literal(pointer) }}{{ ', ' if not loop.last }}{% endfor %}]) as varchar[])
{%- endmacro %}

{# The keys of an object, and their values as json_items: lists in the same order, a repeated key included. Of no document: null. #}
{% macro json_keys(document) %}{{ return(adapter.dispatch('json_keys')(document)) }}{% endmacro %}
{% macro duckdb__json_keys(document) -%}
    json_keys({{ document }})
{%- endmacro %}

{% macro json_items_of_keys(document) %}{{ return(adapter.dispatch('json_items_of_keys')(document)) }}{% endmacro %}
{% macro duckdb__json_items_of_keys(document) -%}
    cast(json_extract({{ document }}, '$.*') as varchar[])
{%- endmacro %}

{# Of a group's rows: an object of keys and their values, which are JSON text, in the order of the keys. #}
{% macro json_object_of(key, json_value) %}{{ return(adapter.dispatch('json_object_of')(key, json_value)) }}{% endmacro %}
{% macro duckdb__json_object_of(key, json_value) -%}
    '{' || string_agg({{ goalpost.json_spelling(key) }} || ':' || {{ json_value }}, ',' order by {{ key }}) || '}'
{%- endmacro %}

{#
    The next macros take one value of json_values. DuckDB writes a value in one way only (compact, no needless escapes), so equal values
    have equal texts, and most comparisons need no second parse.
#}

{# The spelling of a text as a JSON value. #}
{% macro json_spelling(text) %}{{ return(adapter.dispatch('json_spelling')(text)) }}{% endmacro %}
{% macro duckdb__json_spelling(text) -%}
    cast(to_json({{ text }}) as varchar)
{%- endmacro %}

{# The text of a JSON value that is a scalar (text without its quotes), else null. #}
{% macro scalar_text(json_value) %}{{ return(adapter.dispatch('scalar_text')(json_value)) }}{% endmacro %}
{% macro duckdb__scalar_text(json_value) -%}
    case when {{ json_value }} < '{' and {{ json_value }} not like '[%' then json_extract_string({{ json_value }}, '$') end
{%- endmacro %}

{# The characters between the quotes of a JSON text: the text itself, if nothing in it is escaped. #}
{% macro between_quotes(json_value) -%}
    substr({{ json_value }}, 2, length({{ json_value }}) - 2)
{%- endmacro %}

{# The number in a JSON value: a number, or a text that is one. A JSON value that begins like a number is a number. #}
{% macro json_number(json_value) %}{{ return(adapter.dispatch('json_number')(json_value)) }}{% endmacro %}
{% macro duckdb__json_number(json_value) -%}
    {%- set text %}case
        when {{ json_value }} >= '-' and {{ json_value }} < ':' then {{ json_value }}
        when regexp_full_match({{ json_value }}, '"{{ goalpost.number_pattern() }}"') then {{ goalpost.between_quotes(json_value) }}
    end{% endset -%}
    {{ goalpost.finite("try_cast(" ~ text ~ " as double)") }}
{%- endmacro %}

{# Is a JSON value a text, or an array? And: does any element of an array meet a condition on `item`? #}
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
