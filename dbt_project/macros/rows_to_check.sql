{#
    The rows of a model that its tests check. All rows, if the model was computed from scratch, has no profile_key, or in `dbt test`. Else
    all rows of the affected profiles and, with `key`, the rows of other profiles that share a key with them. The run that computed the
    other rows has tested them. (orchestration/checks/scope.py does the same for expectations.)
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
        or ({{ key | join(', ') }}) in (select {{ key | join(', ') }} from {{ relation }} where {{ affected }})
        {%- endif %}
)
{%- endif -%}
{%- endmacro %}
