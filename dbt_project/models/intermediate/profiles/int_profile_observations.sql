-- Grain: one row per snapshot or change of a profile, what it says of the profile's properties. State as of a moment: what these
-- rows say in their order, key by key (macros/observations.sql; SEMANTICS, section 5).
{{ config(materialized='view') }}

select
    workspace_id,
    profile_id,
    profile_key,
    observed_at,
    cast('' as string) as change_id,
    true as is_whole,
    is_deleted,
    properties
from {{ ref('stg_profile_snapshots') }}

union all

select
    workspace_id,
    profile_id,
    profile_key,
    changed_at as observed_at,
    change_id,
    is_deleted as is_whole,
    is_deleted,
    properties
from {{ ref('stg_profile_changes') }}
