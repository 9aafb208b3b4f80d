{# md5 of the parts, joined by U+001F; null is empty text (SEMANTICS, section 6). No id holds a U+001F: that is bad_key. #}
{% macro surrogate_key(parts) -%}
    md5(concat_ws(chr(31){% for part in parts %}, coalesce({{ part }}, ''){% endfor %}))
{%- endmacro %}


{# What an enrollment is of, as an integer to join on: the goal, source, profile and journey (none: null) of the rows. #}
{% macro enrollment_key(rows) -%}
    {{ goalpost.key_of([rows ~ '.goal_id', rows ~ '.source_id', rows ~ '.profile_key', rows ~ '.journey_id']) }}
{%- endmacro %}


{# The goal, source and journey of the rows, whoever's the journey is, as an integer; null without a journey. #}
{% macro shared_journey_key(rows) -%}
    case
            when {{ rows }}.journey_id is not null
                then {{ goalpost.key_of([rows ~ '.workspace_id', rows ~ '.goal_id', rows ~ '.source_id', rows ~ '.journey_id']) }}
        end
{%- endmacro %}
