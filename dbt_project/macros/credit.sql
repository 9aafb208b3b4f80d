{# The credit of a touch under an attribution model: its rounded share, or, for the last touch, what the others leave of 1. #}
{% macro credit(attribution_model) -%}
    {%- set share = 'share_' ~ attribution_model -%}
    cast(
        case
            when touch_number < touches then {{ share }}
            else 1 - (sum({{ share }}) over (partition by profile_key, rule_number, achievement_number) - {{ share }})
        end as decimal(18, 12)
    )
{%- endmacro %}
