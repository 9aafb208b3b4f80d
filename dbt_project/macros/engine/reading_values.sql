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
{% macro spark__read_timestamp(text) -%}
    {%- set hour, minute = '([01][0-9]|2[0-3])', '[0-5][0-9]' -%}
    {%- set pattern = '^[0-9]{4}-[0-9]{2}-[0-9]{2}([T ]' ~ hour ~ ':' ~ minute ~ '(:' ~ minute ~ '([.][0-9]+)?)?(Z|[+-]' ~ hour ~ '(:?' ~ minute ~ ')?)?)?$' -%}
    {%- set local_time = "try_cast(regexp_extract(" ~ text ~ ", r'^[^T ]+([T ][0-9:.]+)?', 0) as timestamp)" -%}
    {%- set offset = "regexp_extract(" ~ text ~ ", r'[T ].*([+-])([0-9]{2}):?([0-9]{2})?$', %s)" -%}
    case
        when {{ text }} rlike r'{{ pattern }}' and not {{ text }} like '0000%' then case
            when {{ text }} rlike r'[T ].*[+-]' then {{ goalpost.within_years_1_to_9999(
                local_time ~ " - make_dt_interval(0, cast(concat(" ~ offset % 1 ~ ", " ~ offset % 2 ~ ") as int), cast(concat("
                ~ offset % 1 ~ ", coalesce(nullif(" ~ offset % 3 ~ ", ''), '0')) as int))"
            ) }}
            else {{ local_time }}
        end
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
{% macro spark__read_integer(text) -%}
    case when {{ text }} rlike '^-?[0-9]+$' then try_cast({{ text }} as bigint) end
{%- endmacro %}

{# A JSON number, as a finite 64-bit float. #}
{% macro read_number(text) %}{{ return(adapter.dispatch('read_number')(text)) }}{% endmacro %}
{% macro duckdb__read_number(text) -%}
    case
        when regexp_full_match({{ text }}, '{{ goalpost.number_pattern() }}')
            then {{ goalpost.finite("try_cast(" ~ text ~ " as double)") }}
    end
{%- endmacro %}
{% macro spark__read_number(text) -%}
    case
        when {{ text }} rlike '^{{ goalpost.number_pattern() }}$'
            then {{ goalpost.finite("try_cast(" ~ text ~ " as double)") }}
    end
{%- endmacro %}

{% macro number_pattern() %}-?(0|[1-9][0-9]*)([.][0-9]+)?([eE][+-]?[0-9]+)?{% endmacro %}

{% macro finite(number) %}{{ return(adapter.dispatch('finite')(number)) }}{% endmacro %}
{% macro duckdb__finite(number) -%}
    case when isfinite({{ number }}) then {{ number }} end
{%- endmacro %}
{% macro spark__finite(number) -%}
    case when abs({{ number }}) < double('infinity') then {{ number }} end
{%- endmacro %}

{# A JSON number as an exact amount: decimal(18,6), rounded half up; null if it is too large. #}
{% macro read_amount(text) %}{{ return(adapter.dispatch('read_amount')(text)) }}{% endmacro %}
{% macro duckdb__read_amount(text) -%}
    case when {{ goalpost.read_number(text) }} is not null then try_cast({{ text }} as decimal(18, 6)) end
{%- endmacro %}
{% macro spark__read_amount(text) -%}
    case when {{ goalpost.read_number(text) }} is not null then try_cast({{ text }} as decimal(18, 6)) end
{%- endmacro %}

{% macro is_time_zone(text) %}{{ return(adapter.dispatch('is_time_zone')(text)) }}{% endmacro %}
{% macro duckdb__is_time_zone(text) -%}
    ({{ text }} in (select name from pg_timezone_names()))
{%- endmacro %}
{% macro spark__is_time_zone(text) -%}
    ({{ text }} not rlike r'^(UTC|GMT|UT)?[+-]|^[A-Z]$' and try_cast('2000-01-01 00:00:00 ' || {{ text }} as timestamp) is not null)
{%- endmacro %}

{% macro has_control_character(text) %}{{ return(adapter.dispatch('has_control_character')(text)) }}{% endmacro %}
{# JSON escapes control characters, and escaping is faster than searching with a regular expression. #}
{% macro duckdb__has_control_character(text) -%}
    (strlen(to_json({{ text }})) > strlen({{ text }}) + 2 and regexp_matches({{ text }}, '[\x00-\x1f]'))
{%- endmacro %}
{% macro spark__has_control_character(text) -%}
    {{ text }} rlike r'[\x00-\x1f]'
{%- endmacro %}

{# The number of fields in a CSV record; a quote counts only at the beginning of a field. #}
{% macro count_fields(record, delimiter) %}{{ return(adapter.dispatch('count_fields')(record, delimiter)) }}{% endmacro %}
{% macro duckdb__count_fields(record, delimiter) -%}
    len(regexp_extract_all(
        {{ delimiter }} || {{ record }},
        '[' || {{ delimiter }} || ']("([^"]|"")*("|$)[^' || {{ delimiter }} || ']*|[^' || {{ delimiter }} || ']*)'
    ))
{%- endmacro %}
{% macro spark__count_fields(record, delimiter) -%}
    size(regexp_extract_all(
        {{ delimiter }} || {{ record }},
        '[' || {{ delimiter }} || r']("([^"]|"")*("|$)[^' || {{ delimiter }} || r']*|[^' || {{ delimiter }} || ']*)', 0
    ))
{%- endmacro %}

{# A value for a message: in quotes, at most 80 characters, without characters that break a line or control a terminal. #}
{% macro quoted(text) %}{{ return(adapter.dispatch('quoted')(text)) }}{% endmacro %}
{% macro duckdb__quoted(text) -%}
    ('''' || regexp_replace(
        regexp_replace(left({{ text }}, 80), '[\t\r\n]+', ' ', 'g'), '[\p{C}\p{Zl}\p{Zp}]', '�', 'g'
    ) || case when length({{ text }}) > 80 then '…''' else '''' end)
{%- endmacro %}
{% macro spark__quoted(text) -%}
    ('\'' || regexp_replace(
        regexp_replace(left({{ text }}, 80), r'[\t\r\n]+', ' '), r'[\p{C}\p{Zl}\p{Zp}]', '�'
    ) || case when length({{ text }}) > 80 then '…\'' else '\'' end)
{%- endmacro %}
