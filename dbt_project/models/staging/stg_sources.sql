-- Grain: one row per campaign or broadcast and moment of change; in force from updated_at on.
{{ config(materialized='view') }}

select
    -- keys
    workspace_id,
    source_id,
    updated_at,

    -- what it is
    source_type,
    name,
    status,

    -- who it is for, and when people leave it early
    trigger_filter,
    normal_form,
    coalesce(exit_condition, 'never') as exit_condition,
    exit_goal_id
from {{ ref('base_sources') }}
where is_standing
