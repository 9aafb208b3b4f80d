-- Grain: one row per goal that is not deleted: the currency of its money (SEMANTICS, section 4), the same in every version.
{{ config(materialized='view') }}

select distinct
    workspace_id,
    goal_id,
    goal_currency as currency
from {{ ref('int_goal_versions') }}
