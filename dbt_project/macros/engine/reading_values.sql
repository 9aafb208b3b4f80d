{#
    How a landed text becomes a value (SEMANTICS, section 2, "Reading values"). Each macro gives null if the text is not such a value.
    Dialect: DuckDB. Another engine adds its own `<engine>__` version here and nowhere else.
#}

{#
    ISO 8601: YYYY-MM-DD, optionally with T or a space, HH:MM[:SS[.f]] and Z, an offset ±HH[[:]MM] or nothing (= UTC); decimals after the
    sixth are cut. A cast alone accepts much more, drops the offset unless the type has a time zone, and needs seconds before Z or an offset.
#}
{% macro read_timestamp(text) %}{{ return(adapter.dispatch('read_timestamp')(text)) }}{% endmacro %}
{% macro duckdb__read_timestamp(text) -%}
    {%- set hour, minute = '([01][0-9]|2[0-3])', '[0-5][0-9]' -%}
    {%- set clock = hour ~ ':' ~ minute ~ '(:' ~ minute ~ '([.][0-9]+)?)?' -%}
    {%- set offset = '[+-]' ~ hour ~ '(:?' ~ minute ~ ')?' -%}
    {%- set date = '[0-9]{4}-[0-9]{2}-[0-9]{2}' -%}
    {%- set with_seconds = "case when strlen(" ~ text ~ ") = 10 or " ~ text ~ " like '________________:%' then " ~ text
        ~ " else left(" ~ text ~ ", 16) || ':00' || substr(" ~ text ~ ", 17) end" -%}
    case
        when regexp_full_match({{ text }}, '{{ date }}([T ]{{ clock }}Z?)?')
            then try_cast(case when {{ text }} >= '0001' then {{ with_seconds }} end as timestamp)
        when {{ text }} like '____-__-__%' and regexp_full_match({{ text }}, '{{ date }}[T ]{{ clock }}{{ offset }}')
            then {{ goalpost.within_years_1_to_9999("make_timestamp(epoch_us(try_cast(" ~ with_seconds ~ " as timestamptz)))") }}
    end
{%- endmacro %}

{% macro within_years_1_to_9999(moment) -%}
    case when {{ moment }} between timestamp '0001-01-01' and timestamp '9999-12-31 23:59:59.999999' then {{ moment }} end
{%- endmacro %}

{% macro read_boolean(text) -%}
    case when lower({{ text }}) in ('true', 't', '1') then true when lower({{ text }}) in ('false', 'f', '0') then false end
{%- endmacro %}

{% macro read_integer(text) %}{{ return(adapter.dispatch('read_integer')(text)) }}{% endmacro %}
{% macro duckdb__read_integer(text) -%}
    case when regexp_full_match({{ text }}, '-?[0-9]+') then try_cast({{ text }} as bigint) end
{%- endmacro %}

{# A JSON number, as a finite 64-bit float. #}
{% macro read_number(text) %}{{ return(adapter.dispatch('read_number')(text)) }}{% endmacro %}
{% macro duckdb__read_number(text) -%}
    case
        when regexp_full_match({{ text }}, '{{ goalpost.number_pattern() }}')
            then {{ goalpost.finite("try_cast(" ~ text ~ " as double)") }}
    end
{%- endmacro %}

{% macro number_pattern() %}-?(0|[1-9][0-9]*)([.][0-9]+)?([eE][+-]?[0-9]+)?{% endmacro %}

{% macro finite(number) -%}
    case when isfinite({{ number }}) then {{ number }} end
{%- endmacro %}

{# A JSON number as an exact amount: decimal(18,6), rounded half up; null if it is too large. #}
{% macro read_amount(text) %}{{ return(adapter.dispatch('read_amount')(text)) }}{% endmacro %}
{% macro duckdb__read_amount(text) -%}
    case when {{ goalpost.read_number(text) }} is not null then try_cast({{ text }} as decimal(18, 6)) end
{%- endmacro %}

{% macro is_time_zone(text) %}{{ return(adapter.dispatch('is_time_zone')(text)) }}{% endmacro %}
{% macro duckdb__is_time_zone(text) -%}
    ({{ text }} in (select name from pg_timezone_names()))
{%- endmacro %}

{% macro has_control_character(text) %}{{ return(adapter.dispatch('has_control_character')(text)) }}{% endmacro %}
{# JSON escapes control characters, and escaping is faster than searching with a regular expression. #}
{% macro duckdb__has_control_character(text) -%}
    (strlen(to_json({{ text }})) > strlen({{ text }}) + 2 and regexp_matches({{ text }}, '[\x00-\x1f]'))
{%- endmacro %}

{# The number of fields in a CSV record; a quote counts only at the beginning of a field. #}
{% macro count_fields(record, delimiter) %}{{ return(adapter.dispatch('count_fields')(record, delimiter)) }}{% endmacro %}
{% macro duckdb__count_fields(record, delimiter) -%}
    len(regexp_extract_all(
        {{ delimiter }} || {{ record }},
        '[' || {{ delimiter }} || ']("([^"]|"")*("|$)[^' || {{ delimiter }} || ']*|[^' || {{ delimiter }} || ']*)'
    ))
{%- endmacro %}

{# A value for a message: in quotes, at most 80 characters, without characters that break a line or control a terminal. #}
{% macro quoted(text) %}{{ return(adapter.dispatch('quoted')(text)) }}{% endmacro %}
{% macro duckdb__quoted(text) -%}
    ('''' || regexp_replace(
        regexp_replace(left({{ text }}, 80), '[\t\r\n]+', ' ', 'g'), '[\p{C}\p{Zl}\p{Zp}]', '�', 'g'
    ) || case when length({{ text }}) > 80 then '…''' else '''' end)
{%- endmacro %}
