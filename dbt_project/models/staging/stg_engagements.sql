-- Grain: one row per engagement, something that happened to a delivery. The delivery may not have landed yet.
{{ config(materialized='view') }}

select
    -- keys
    workspace_id,
    engagement_id,
    delivery_id,
    delivery_key,

    -- what happened
    metric,
    url,
    metric in ('opened', 'clicked') and coalesce(is_machine, false) as is_machine,

    -- when
    occurred_at
from {{ ref('base_engagements') }}
where is_standing
