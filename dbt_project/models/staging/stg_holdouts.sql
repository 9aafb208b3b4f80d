-- Grain: one row per experiment and profile: its arm.
{{ config(materialized='view') }}

select
    -- keys
    workspace_id,
    experiment_id,
    profile_id,
    source_id,

    -- what was assigned
    arm,
    expected_control_share,

    -- when
    assigned_at
from {{ ref('base_holdouts') }}
where is_standing
