{#
    The rows of a model that its tests look at: of one that was computed from scratch, and in `dbt test`, all of them; else, of a model
    with a profile_key, those of the affected profiles, all of them, and with `key` also those of anybody else that have one of their
    keys. The rest was tested by the run that computed it. (orchestration/checks/scope.py does so for expectations.)
#}
{% macro rows_to_check(relation, key=[]) -%}
{%- set model = graph.nodes['model.goalpost.' ~ relation.identifier] if execute else none -%}
{%- if not model or 'profile_key' not in model.columns or flags.WHICH == 'test' or goalpost.is_from_scratch(model.unique_id) -%}
{{ relation }}
{%- else -%}
{%- set affected = "profile_key in (select profile_key from intermediate.int_affected_profiles)" -%}
(
    select * from {{ relation }}
    where
        {{ affected }}
        {%- if key %}
        or ({{ key | join(', ') }}) in (select ({{ key | join(', ') }}) from {{ relation }} where {{ affected }})
        {%- endif %}
)
{%- endif -%}
{%- endmacro %}
