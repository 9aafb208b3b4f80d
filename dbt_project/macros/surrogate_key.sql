{# md5 of the parts, joined by U+001F; null is empty text (SEMANTICS, section 6). No staged id holds U+001F: that is a bad_key. #}
{% macro surrogate_key(parts) -%}
    md5(concat_ws(chr(31){% for part in parts %}, coalesce({{ part }}, ''){% endfor %}))
{%- endmacro %}


{# The goal, source, profile and journey (none: null) of an enrollment, as one integer to join on. #}
{% macro enrollment_key(rows) -%}
    {{ goalpost.key_of([rows ~ '.goal_id', rows ~ '.source_id', rows ~ '.profile_key', rows ~ '.journey_id']) }}
{%- endmacro %}


{# A goal, source and journey, of any profile, as one integer to join on; null without a journey. #}
{% macro shared_journey_key(goal_and_source_key, journey_key) -%}
    case when {{ journey_key }} is not null then {{ goalpost.key_of([goal_and_source_key, journey_key]) }} end
{%- endmacro %}
