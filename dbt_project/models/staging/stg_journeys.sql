-- Grain: one row per journey, one person's path through one campaign.
{{ config(materialized='view') }}

select
    -- keys
    workspace_id,
    journey_id,
    source_id,
    profile_id,
    journey_key,
    profile_key,

    -- when
    entered_at,
    finished_at,

    -- what triggered it
    trigger_properties
from {{ ref('base_journeys') }}
where is_standing
