-- Grain: one row per profile and moment at which its state changes for some goal: what it matches (bit masks over the profile
-- predicates) from valid_from until valid_to, exclusive. State as of t: valid_from <= t < valid_to; none: int_missing_state.
-- Snapshots that change nothing that any goal asks about are left out.
with observed as (

    select
        workspace_id,
        profile_id,
        observed_at,
        is_deleted,
        {{ extract_properties('properties', 'snapshot') }} as snapshot_values
    from {{ ref('stg_profile_snapshots') }}

),

unpacked as (

    select
        workspace_id,
        profile_id,
        {{- unpack_properties('snapshot_values', 'snapshot') }}
        observed_at,
        is_deleted
    from observed

),

evaluated as (

    select
        workspace_id,
        profile_id,
        observed_at,
        is_deleted,
        {{ profile_matches() }} as matches,
        {{ state_values() }} as state_values
    from unpacked

),

with_previous as (

    select
        *,
        lag(matches) over profile_history as previous_matches,
        lag(state_values) over profile_history as previous_state_values
    from evaluated
    window profile_history as (partition by workspace_id, profile_id order by observed_at asc nulls last)

),

changed as (

    select * from with_previous
    where previous_matches is null or matches <> previous_matches or state_values is distinct from previous_state_values

)

select
    workspace_id,
    profile_id,
    observed_at as valid_from,
    lead(observed_at, 1, {{ end_of_time() }}) over (
        partition by workspace_id, profile_id order by observed_at asc nulls last
    ) as valid_to,
    is_deleted,
    matches,
    previous_matches,
    state_values
from changed
