{# The rows of a relation, without those of unreadable workspaces, which no mart contains (SEMANTICS, section 2). #}
{% macro of_readable_workspaces(relation) -%}
(
        select * from {{ relation }}
        where workspace_id not in (select workspace_id from {{ ref('int_unreadable_workspaces') }})
    )
{%- endmacro %}
