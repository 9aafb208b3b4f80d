{# The share of the credit that the first and the last touch leave to the touches between them (dbt_project.yml). #}
{% macro position_credit_between() -%}
    {%- set between = (1 - var('position_credit_first') - var('position_credit_last')) | round(12) -%}
    {%- if not 0 <= between <= 1 -%}
        {%- do exceptions.raise_compiler_error(
            'position_credit_first and position_credit_last of dbt_project.yml are '
            ~ var('position_credit_first') ~ ' and ' ~ var('position_credit_last') ~ ': together they must be 0 to 1.'
        ) -%}
    {%- endif -%}
{{ return(between) }}
{%- endmacro %}


{# The time after which a touch has half its weight (dbt_project.yml). #}
{% macro half_life_microseconds() -%}
{{ var('time_decay_half_life_days') * 86400 * 1000000 }}
{%- endmacro %}


{# The credit of a touch under an attribution model: its rounded share; the last touch gets what the others leave of 1. #}
{% macro credit(attribution_model) -%}
    {%- set share = 'share_' ~ attribution_model -%}
    cast(
        case
            when touch_number < touches then {{ share }}
            else 1 - (sum({{ share }}) over (partition by profile_key, rule_number, achievement_number) - {{ share }})
        end as decimal(18, 12)
    )
{%- endmacro %}
