-- Grain: one row per funnel and moment of change: its goals in order.
{{ config(materialized='view') }}

select
    workspace_id,
    funnel_id,
    updated_at,
    name,
    {{ json_id_list('goal_ids') }} as goal_ids,
    window_days
from {{ ref('base_funnels') }}
where is_standing
