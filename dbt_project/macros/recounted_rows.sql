{#
    The rows of a relation whose `moment` may lie on a day that this run recounts (int_recounted_days): from scratch all of them.
    A local day begins up to 14 hours before that of UTC; the model itself leaves out the days before first_day.
#}
{% macro recounted_rows(relation, moment) -%}
{%- set recounted = ref('int_recounted_days') -%}
{%- if goalpost.from_scratch() -%}
{{ relation }}
{%- else -%}
{%- set found = goalpost.asked_once("select cast(min(first_day) - 1 as varchar) from " ~ recounted) if execute else [] -%}
{%- set earliest = found[0][0] if found else none -%}
(
        select facts.*
        from {{ relation }} as facts
        inner join {{ recounted }} as recounted on facts.workspace_id = recounted.workspace_id
        where
            facts.{{ moment }} >= recounted.first_day - interval '1' day
            and facts.{{ moment }} >= {% if earliest %}timestamp '{{ earliest }}'{% else %}{{ goalpost.end_of_time() }}{% endif %}
    )
{%- endif -%}
{%- endmacro %}
