-- Grain: one row per delivery, one message to one profile.
{{ config(materialized='view') }}

select
    -- keys
    workspace_id,
    delivery_id,
    profile_id,
    source_id,
    journey_id,
    message_id,
    delivery_key,
    profile_key,
    journey_key,

    -- what was sent
    source_type,
    channel,
    coalesce(is_anonymous, false) as is_anonymous,
    coalesce(is_holdout, false) as is_holdout,

    -- when; null: never sent
    sent_at
from {{ ref('base_deliveries') }}
where is_standing
