{#
    The rows of a relation whose `moment` may be on a day that this run recounts (int_recounted_days); from scratch, all rows.
    A local day begins up to 14 hours before the same day in UTC; the model itself leaves out the days before first_day.
#}
{% macro recounted_rows(relation, moment) -%}
{%- set recounted = ref('int_recounted_days') -%}
{%- if goalpost.from_scratch() -%}
{{ relation }}
{%- else -%}
{%- set found = goalpost.asked_once("select cast(min(first_day) - 1 as string) from " ~ recounted) if execute else [] -%}
(
        select facts.*
        from {{ relation }} as facts
        inner join {{ recounted }} as recounted on facts.workspace_id = recounted.workspace_id
        where
            facts.{{ moment }} >= recounted.first_day - interval '1' day
            and facts.{{ moment }} >= {{ goalpost.moment_or_end_of_time(found) }}
    )
{%- endif -%}
{%- endmacro %}
