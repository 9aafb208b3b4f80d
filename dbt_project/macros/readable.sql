{# The rows of a relation, without those of workspaces that cannot be read: these are in no mart (SEMANTICS, section 2). #}
{% macro of_readable_workspaces(relation) -%}
(
        select * from {{ relation }}
        where workspace_id not in (select workspace_id from {{ ref('int_unreadable_workspaces') }})
    )
{%- endmacro %}
