{# The last moment of a measurement window (SEMANTICS, section 7): 0 days end with the calendar day; null, without a limit, has none. #}
{% macro window_end(moment, window_days, time_zone) -%}
case
        when {{ window_days }} = 0 then {{ goalpost.end_of_local_day(moment, time_zone) }}
        when {{ window_days }} > 0 then {{ moment }} + {{ goalpost.days(window_days) }}
    end
{%- endmacro %}
