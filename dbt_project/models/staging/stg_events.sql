-- Grain: one row per event, something that a profile did.
{{ config(materialized='view') }}

select
    -- keys
    workspace_id,
    event_id,
    profile_id,
    row_key as event_key,
    profile_key,

    -- what was done
    name,
    properties,

    -- when
    occurred_at,
    coalesce(received_at, occurred_at) as received_at,
    latest_moment
from {{ ref('base_events') }}
where is_standing
