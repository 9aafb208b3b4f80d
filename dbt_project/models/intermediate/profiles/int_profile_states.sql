-- Grain: one row per profile and moment at which its state changes for some goal: what it matches (bit masks over the profile
-- predicates) from valid_from until valid_to, exclusive. State as of t: valid_from <= t < valid_to; none: int_missing_state.
-- Snapshots that change nothing that any goal asks about are left out.
-- Incremental: of affected profiles, the states from affected_from on are recomputed, and the one before, which is read back,
-- gets a new end. All of them when other predicates are asked for (predicates_hash): what was judged then stays as it was.
{{ config(
    materialized='recompute', meta={'recompute_from': 'valid_to', 'recompute_other': 'predicates_hash'}
) }}
{%- set matches = profile_matches() %}
{%- set predicates_hash = local_md5(predicates_sql('profile') ~ property_pointers('state')) %}
{%- set is_suffix = not from_scratch() and holds_only(this, 'predicates_hash', predicates_hash) %}

with observed as (

    select
        workspace_id,
        profile_id,
        profile_key,
        observed_at,
        is_deleted,
        {{ extract_properties('properties', 'snapshot') }} as snapshot_values
    from {{ affected_rows(ref('stg_profile_snapshots'), 'observed_at') if is_suffix else ref('stg_profile_snapshots') }}

),

unpacked as (

    select
        workspace_id,
        profile_id,
        profile_key,
        {{- unpack_properties('snapshot_values', 'snapshot', used_in=matches) }}
        observed_at,
        is_deleted
    from observed

),

evaluated as (

    select
        workspace_id,
        profile_id,
        profile_key,
        observed_at,
        is_deleted,
        {{ matches }} as matches,
        {{ state_values() }} as state_values
    from unpacked

),

with_previous as (

    select
        *,
        lag(matches) over profile_history as previous_matches,
        lag(state_values) over profile_history as previous_state_values,
        false as is_kept
    from evaluated
    window profile_history as (partition by profile_key order by observed_at asc nulls last)

),

{%- if is_suffix %}

-- The state in which affected_from finds the profile.
states_before as (

    select states.*
    from {{ this }} as states
    inner join {{ ref('int_affected_profiles') }} as affected on states.profile_key = affected.profile_key
    where
        states.valid_to >= {{ earliest_affected() }}
        and states.valid_to >= affected.affected_from
        and states.valid_from < affected.affected_from

),

joined_to_it as (

    select
        evaluated.workspace_id,
        evaluated.profile_id,
        evaluated.profile_key,
        evaluated.observed_at,
        evaluated.is_deleted,
        evaluated.matches,
        evaluated.state_values,
        coalesce(evaluated.previous_matches, states_before.matches) as previous_matches,
        coalesce(evaluated.previous_state_values, states_before.state_values) as previous_state_values,
        false as is_kept
    from with_previous as evaluated
    left join states_before on evaluated.profile_key = states_before.profile_key

    union all

    select
        workspace_id,
        profile_id,
        profile_key,
        valid_from as observed_at,
        is_deleted,
        matches,
        state_values,
        previous_matches,
        state_values as previous_state_values,
        true as is_kept
    from states_before

),
{%- endif %}

changed as (

    select * from {{ 'joined_to_it' if is_suffix else 'with_previous' }}
    where
        is_kept
        or previous_matches is null
        or matches <> previous_matches
        or state_values is distinct from previous_state_values

)

select
    workspace_id,
    profile_id,
    profile_key,
    observed_at as valid_from,
    lead(observed_at, 1, {{ end_of_time() }}) over (partition by profile_key order by observed_at asc nulls last) as valid_to,
    is_deleted,
    matches,
    previous_matches,
    state_values,
    '{{ predicates_hash }}' as predicates_hash
from changed
{%- if from_scratch() %}
-- By their ends, so that a later run, which asks for those that reach into its days, finds them together: most have ended.
order by valid_to, valid_from
{%- endif %}
