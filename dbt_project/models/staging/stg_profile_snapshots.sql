-- Grain: one row per profile and moment of observation: all of its properties as observed then.
{{ config(materialized='view') }}

select
    -- keys
    workspace_id,
    profile_id,
    observed_at,
    profile_key,

    -- what was observed
    coalesce(is_deleted, false) as is_deleted,
    case when not coalesce(is_deleted, false) then properties end as properties
from {{ ref('base_profile_snapshots') }}
where is_standing
