{#
    The calendar day of the workspace on which a moment lies, where int_hours is joined by the moment's hour: as far ahead of UTC as
    that hour is. Where the hour tells nothing, the moment itself is converted to the time zone.
#}
{% macro calendar_day(moment, time_zone) -%}
cast(coalesce({{ moment }} + hours.ahead_of_utc, {{ goalpost.local_time(moment, time_zone) }}) as date)
{%- endmacro %}


{# The join to int_hours; before inner joins, since DuckDB takes it that these leave next to nothing, and would join the wrong way round. #}
{% macro join_hour(rows, moment) -%}
left join {{ ref('int_hours') }} as hours
        on {{ rows }}.workspace_id = hours.workspace_id and date_trunc('hour', {{ rows }}.{{ moment }}) = hours.hour
{%- endmacro %}
