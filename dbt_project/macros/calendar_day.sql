{#
    The calendar day of a moment in the workspace's time zone. The model must join int_hours, as `hours`, on the moment's hour: the macro
    adds that hour's offset from UTC. If the hour has no offset, it converts the moment itself to the time zone. Join int_hours before
    any inner joins: after them DuckDB expects almost no rows and would build the hash table on the large side.
#}
{% macro calendar_day(moment, time_zone) -%}
cast(coalesce({{ moment }} + {{ goalpost.seconds('hours.seconds_ahead_of_utc') }}, {{ goalpost.local_time(moment, time_zone) }}) as date)
{%- endmacro %}
