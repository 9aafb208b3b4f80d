{# Moments and calendars. All moments are UTC, without a zone; a calendar day is a day in the workspace's time zone (an IANA name). #}

{# The first and the last moment there is, for the open side of an interval: so joins need no null checks. #}
{% macro beginning_of_time() %}timestamp '0001-01-01 00:00:00'{% endmacro %}
{% macro end_of_time() %}timestamp '9999-12-31 23:59:59.999999'{% endmacro %}

{# The local wall clock at a moment. #}
{% macro local_time(moment, time_zone) %}{{ return(adapter.dispatch('local_time')(moment, time_zone)) }}{% endmacro %}
{% macro duckdb__local_time(moment, time_zone) -%}
    {{ goalpost.duckdb__in_time_zone("make_timestamptz(epoch_us(" ~ moment ~ "))", time_zone, goalpost.time_zones_in_use()) }}
{%- endmacro %}
{% macro spark__local_time(moment, time_zone) -%}
    from_utc_timestamp({{ moment }}, {{ time_zone }})
{%- endmacro %}

{#
    Converts an instant to the wall clock of a time zone, or a wall clock to an instant. DuckDB converts eight times faster with a
    constant time zone than with one from a column, so the SQL names those in use; any other is still right.
#}
{% macro duckdb__in_time_zone(time, time_zone, written_out) -%}
    {%- if written_out -%}
    case {{ time_zone }}
        {%- for name in written_out %} when '{{ name }}' then timezone('{{ name }}', {{ time }}){% endfor %}
        else timezone({{ time_zone }}, {{ time }})
    end
    {%- else -%}
    timezone({{ time_zone }}, {{ time }})
    {%- endif -%}
{%- endmacro %}

{# At most ten time zones. Only for speed: models that use them depend on int_workspaces anyway. #}
{% macro time_zones_in_use() -%}
    {%- set workspaces = adapter.get_relation(database=target.database, schema='intermediate', identifier='int_workspaces') if execute -%}
    {%- if not workspaces -%}{{ return([]) }}{%- endif -%}
    {%- set found = goalpost.asked_once(
        "select time_zone from " ~ workspaces ~ " group by time_zone order by count(*) desc, time_zone limit 10"
    ) -%}
    {{ return(found | map('first') | list) }}
{%- endmacro %}

{# The calendar day of a moment in a time zone. Slower than calendar_day: for views, which must embed nothing that a query found. #}
{% macro local_day(moment, time_zone) %}{{ return(adapter.dispatch('local_day')(moment, time_zone)) }}{% endmacro %}
{% macro duckdb__local_day(moment, time_zone) -%}
    cast({{ goalpost.duckdb__in_time_zone("make_timestamptz(epoch_us(" ~ moment ~ "))", time_zone, []) }} as date)
{%- endmacro %}
{% macro spark__local_day(moment, time_zone) -%}
    cast({{ goalpost.local_time(moment, time_zone) }} as date)
{%- endmacro %}

{#
    The last microsecond of the moment's calendar day. If clocks go back across midnight, the day ends at the first of the two
    midnights; DuckDB returns the second, so the macro also tries an hour earlier.
#}
{% macro end_of_local_day(moment, time_zone) %}{{ return(adapter.dispatch('end_of_local_day')(moment, time_zone)) }}{% endmacro %}
{% macro duckdb__end_of_local_day(moment, time_zone) -%}
    {%- set written_out = goalpost.time_zones_in_use() -%}
    {%- set midnight = "date_trunc('day', " ~ goalpost.local_time(moment, time_zone) ~ ") + interval '1' day" -%}
    {%- set in_utc = "timezone('UTC', " ~ goalpost.duckdb__in_time_zone(midnight, time_zone, written_out) ~ ")" -%}
    {%- set an_hour_before = "make_timestamptz(epoch_us(" ~ in_utc ~ " - interval '1' hour))" -%}
    case
        when {{ goalpost.duckdb__in_time_zone(an_hour_before, time_zone, written_out) }} = {{ midnight }}
            then {{ in_utc }} - interval '1' hour
        else {{ in_utc }}
    end - interval '1' microsecond
{%- endmacro %}
{% macro spark__end_of_local_day(moment, time_zone) -%}
    (to_utc_timestamp(
        date_trunc('day', {{ goalpost.local_time(moment, time_zone) }}) + interval '1' day, {{ time_zone }}
    ) - interval '1' microsecond)
{%- endmacro %}

{# Unix seconds as a moment, rounded to the microsecond; null outside the years 1 to 9999. #}
{% macro from_unix_seconds(seconds) %}{{ return(adapter.dispatch('from_unix_seconds')(seconds)) }}{% endmacro %}
{% macro duckdb__from_unix_seconds(seconds) -%}
    case
        when {{ seconds }} >= -62135596800 and {{ seconds }} < 253402300800
            then make_timestamp(cast(round({{ seconds }} * 1e6) as bigint))
    end
{%- endmacro %}
{% macro spark__from_unix_seconds(seconds) -%}
    case
        when {{ seconds }} < 253402300800 and {{ seconds }} >= -62135596800
            then timestamp_micros(cast(round({{ seconds }} * 1e6) as bigint))
    end
{%- endmacro %}

{# Elapsed time in microseconds, never in calendar units. #}
{% macro elapsed_microseconds(since, until) %}{{ return(adapter.dispatch('elapsed_microseconds')(since, until)) }}{% endmacro %}
{% macro duckdb__elapsed_microseconds(since, until) -%}
    (epoch_us({{ until }}) - epoch_us({{ since }}))
{%- endmacro %}
{% macro spark__elapsed_microseconds(since, until) -%}
    (unix_micros({{ until }}) - unix_micros({{ since }}))
{%- endmacro %}

{# A moment as text for surrogate keys: YYYY-MM-DDTHH:MM:SS.ffffffZ. #}
{% macro moment_text(moment) %}{{ return(adapter.dispatch('moment_text')(moment)) }}{% endmacro %}
{% macro duckdb__moment_text(moment) -%}
    strftime({{ moment }}, '%Y-%m-%dT%H:%M:%S.%fZ')
{%- endmacro %}
{% macro spark__moment_text(moment) -%}
    date_format({{ moment }}, 'yyyy-MM-dd\'T\'HH:mm:ss.SSSSSS\'Z\'')
{%- endmacro %}

{# A number of days of exactly 24 hours. #}
{% macro days(number_of_days) %}{{ return(adapter.dispatch('days')(number_of_days)) }}{% endmacro %}
{% macro duckdb__days(number_of_days) -%}
    to_hours(24 * {{ number_of_days }})
{%- endmacro %}
{% macro spark__days(number_of_days) -%}
    make_dt_interval({{ number_of_days }})
{%- endmacro %}

{# A number of seconds. #}
{% macro seconds(number_of_seconds) %}{{ return(adapter.dispatch('seconds')(number_of_seconds)) }}{% endmacro %}
{% macro duckdb__seconds(number_of_seconds) -%}
    to_seconds({{ number_of_seconds }})
{%- endmacro %}
{% macro spark__seconds(number_of_seconds) -%}
    make_dt_interval(0, 0, 0, {{ number_of_seconds }})
{%- endmacro %}

{# One row per period from a first date to a last date, both included; period is day, week or month. #}
{% macro one_row_a_period(first_date, last_date, period) %}{{ return(adapter.dispatch('one_row_a_period')(first_date, last_date, period)) }}{% endmacro %}
{% macro duckdb__one_row_a_period(first_date, last_date, period) -%}
    cast(unnest(generate_series(cast({{ first_date }} as timestamp), cast({{ last_date }} as timestamp), interval '1' {{ period }})) as date)
{%- endmacro %}
{% macro spark__one_row_a_period(first_date, last_date, period) -%}
    {%- set step = "interval '7' day" if period == 'week' else "interval '1' " ~ period -%}
    explode(case
        when cast({{ first_date }} as date) <= cast({{ last_date }} as date)
            then sequence(cast({{ first_date }} as date), cast({{ last_date }} as date), {{ step }})
        else array()
    end)
{%- endmacro %}

{# The number of the bucket, `days` long, that contains a moment. Moments less than `days` apart are in the same or adjacent buckets. #}
{% macro bucket_of(moment, days) %}{{ return(adapter.dispatch('bucket_of')(moment, days)) }}{% endmacro %}
{% macro duckdb__bucket_of(moment, days) -%}
    (epoch_us({{ moment }}) // {{ days * 86400000000 }})
{%- endmacro %}
{% macro spark__bucket_of(moment, days) -%}
    (unix_micros({{ moment }}) div {{ days * 86400000000 }})
{%- endmacro %}
