-- Grain: one row per experiment and moment of change: what it measures.
{{ config(materialized='view') }}

select
    -- keys
    workspace_id,
    experiment_id,
    updated_at,

    -- what it is about
    name,
    source_id,
    {{ json_id_list('goal_ids') }} as goal_ids,

    -- how it is judged
    expected_control_share,
    covariate,
    alpha
from {{ ref('base_experiments') }}
where is_standing
