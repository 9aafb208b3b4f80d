{#
    The rows of a model that its tests look at: from scratch all of them; else, of a model with a profile_key, those of the affected
    profiles, all of them. The rest was tested by the run that computed it. (orchestration/checks/scope.py does so for expectations.)
#}
{% macro rows_to_check(relation) -%}
{%- set columns = adapter.get_columns_in_relation(relation) | map(attribute='name') if execute else [] -%}
{%- if 'profile_key' not in columns or goalpost.from_scratch() -%}
{{ relation }}
{%- else -%}
(select * from {{ relation }} where profile_key in (select profile_key from intermediate.int_affected_profiles))
{%- endif -%}
{%- endmacro %}
