{#
    The calendar day of the workspace on which a moment lies, where int_hours is joined as hours by the moment's hour: as far ahead of
    UTC as that hour is. Where the hour tells nothing, the moment itself is converted to the time zone. Join it before inner joins:
    after them DuckDB expects next to no rows, and would build the hash table of the large side.
#}
{% macro calendar_day(moment, time_zone) -%}
cast(coalesce({{ moment }} + hours.ahead_of_utc, {{ goalpost.local_time(moment, time_zone) }}) as date)
{%- endmacro %}
