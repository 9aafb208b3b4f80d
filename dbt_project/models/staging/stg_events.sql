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

    -- when: the earliest receipt; an event never occurs after it
    occurred_at,
    received_at
from {{ ref('base_events') }}
where is_standing
