-- Grain: one row per workspace that landed; the row with the highest sequence stands.
{{ config(materialized='view') }}

select
    workspace_id,
    name,
    coalesce(time_zone, 'UTC') as time_zone,
    coalesce(currency, 'USD') as currency,
    data_start_at
from {{ ref('base_workspaces') }}
where is_standing
