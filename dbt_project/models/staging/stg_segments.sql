-- Grain: one row per segment and moment of change; its filter is in force from updated_at on.
{{ config(materialized='view') }}

select
    workspace_id,
    segment_id,
    updated_at,
    name,
    filter,
    normal_form
from {{ ref('base_segments') }}
where is_standing
