{# JSON as DuckDB does it. Documents stay the text that landed; properties are addressed by RFC 6901 pointers. #}

{#
    Is the text JSON as RFC 8259 has it? DuckDB's parser also takes trailing commas, NaN and Infinity. Where a sign of one stands
    where it could stand, the strings are blanked out and the rest is looked at. (A regular expression that begins with a
    literal is several times faster than one with all of them.)
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

{# Is it a JSON object? A text that holds JSON is a text. #}
{% macro is_json_object(text) -%}
    (starts_with(ltrim({{ text }}, chr(32) || chr(9) || chr(10) || chr(13)), '{') and {{ goalpost.is_json(text) }})
{%- endmacro %}

{# A list of ids out of a JSON list: a text is one, and a whole number is its integer text (42345.0 is 42345); anything else is null. #}
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

{#
    One value of json_values. DuckDB writes it in one way only (compact, no needless escapes), so two texts are the same value
    spelled the same, and most questions need no second parse.
#}

{# How a text is spelled as a JSON value. #}
{% macro json_spelling(text) %}{{ return(adapter.dispatch('json_spelling')(text)) }}{% endmacro %}
{% macro duckdb__json_spelling(text) -%}
    cast(to_json({{ text }}) as varchar)
{%- endmacro %}

{# The text of a JSON value that is a scalar (text without its quotes), else null. #}
{% macro scalar_text(json_value) %}{{ return(adapter.dispatch('scalar_text')(json_value)) }}{% endmacro %}
{% macro duckdb__scalar_text(json_value) -%}
    case when {{ json_value }} < '{' and {{ json_value }} not like '[%' then json_extract_string({{ json_value }}, '$') end
{%- endmacro %}

{# What stands between the quotes of a JSON text: the text itself if nothing in it is escaped. #}
{% macro between_quotes(json_value) -%}
    substr({{ json_value }}, 2, length({{ json_value }}) - 2)
{%- endmacro %}

{# The number that a JSON value is, or that its text is. A value that begins like a number is one. #}
{% macro json_number(json_value) %}{{ return(adapter.dispatch('json_number')(json_value)) }}{% endmacro %}
{% macro duckdb__json_number(json_value) -%}
    {%- set text %}case
        when {{ json_value }} >= '-' and {{ json_value }} < ':' then {{ json_value }}
        when regexp_full_match({{ json_value }}, '"{{ goalpost.number_pattern() }}"') then {{ goalpost.between_quotes(json_value) }}
    end{% endset -%}
    {{ goalpost.finite("try_cast(" ~ text ~ " as double)") }}
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
