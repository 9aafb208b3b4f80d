-- Grain: one row per change of a profile: the properties that it sets.
{{ config(materialized='view') }}

select
    -- keys
    workspace_id,
    profile_id,
    changed_at,
    change_id,
    profile_key,

    -- what changed
    coalesce(is_deleted, false) as is_deleted,
    case when not coalesce(is_deleted, false) then properties end as properties
from {{ ref('base_profile_changes') }}
where is_standing
