-- Grain: one row per profile and moment at which its state changes for some goal: what it matches (bit masks over the profile
-- predicates) from valid_from until valid_to, exclusive. State as of t: valid_from <= t < valid_to; none: int_missing_state.
-- Snapshots that change nothing that any goal asks about are left out.
-- Incremental: of affected profiles, the states from affected_from on are recomputed, and the one before, which is read back,
-- gets a new end. All of them when other predicates are asked for (predicates_hash): what was judged then stays as it was.
{{ config(
    materialized='recompute', meta={'recompute_from': 'valid_to', 'recompute_other': 'predicates_hash'}
) }}
{%- set words, values = profile_matches(), state_values() %}
{%- set predicates_hash = local_md5(predicates_sql('profile') ~ property_pointers('state')) %}
{%- set is_suffix = not from_scratch() and holds_only(this, 'predicates_hash', predicates_hash) %}

{#- Each word and value is a column: windows are slow with lists. -#}
{%- set matches, state = [], [] %}
{%- for word in words %}{% do matches.append('matches_' ~ loop.index) %}{% endfor %}
{%- for value in values %}{% do state.append('state_' ~ loop.index) %}{% endfor %}

with observed as (

    select
        workspace_id,
        profile_key,
        observed_at,
        is_deleted,
        {{ extract_properties('properties', 'snapshot') }} as snapshot_values
    from {{ affected_rows(ref('stg_profile_snapshots'), 'observed_at') if is_suffix else ref('stg_profile_snapshots') }}

),

unpacked as (

    select
        workspace_id,
        profile_key,
        {{- unpack_properties('snapshot_values', 'snapshot', used_in=words | join) }}
        observed_at,
        is_deleted
    from observed

),

evaluated as (

    select
        workspace_id,
        profile_key,
        observed_at,
        {%- for word in words %}
        {{ word }} as {{ matches[loop.index0] }},
        {%- endfor %}
        {%- for value in values %}
        {{ value }} as {{ state[loop.index0] }},
        {%- endfor %}
        {%- if is_suffix %}
        null as kept_previous_matches,
        {%- endif %}
        is_deleted
    from unpacked
    {%- if is_suffix %}

    union all

    -- The state in which affected_from finds the profile.
    select
        states.workspace_id,
        states.profile_key,
        states.valid_from as observed_at,
        {%- for column in matches %}
        {{ list_item('states.matches', loop.index) }} as {{ column }},
        {%- endfor %}
        {%- for column in state %}
        {{ list_item('states.state_values', loop.index) }} as {{ column }},
        {%- endfor %}
        states.previous_matches as kept_previous_matches,
        states.is_deleted
    from {{ this }} as states
    inner join {{ ref('int_affected_profiles') }} as affected on states.profile_key = affected.profile_key
    where
        states.valid_to >= {{ earliest_affected() }}
        and states.valid_to >= affected.affected_from
        and states.valid_from < affected.affected_from
    {%- endif %}

),

with_previous as (

    select
        {%- for column in matches + state %}
        lag({{ column }}) over profile_history as previous_{{ column }},
        {%- endfor %}
        *
    from evaluated
    window profile_history as (partition by profile_key order by observed_at asc nulls last)

),

changed as (

    select * from with_previous
    where
        previous_matches_1 is null
        {%- for column in matches + state %}
        or {{ column }} is distinct from previous_{{ column }}
        {%- endfor %}

)

select
    workspace_id,
    profile_key,
    observed_at as valid_from,
    lead(observed_at, 1, {{ end_of_time() }}) over (partition by profile_key order by observed_at asc nulls last) as valid_to,
    is_deleted,
    {{ list_of(matches, 'bigint') }} as matches,
    case
        when previous_matches_1 is not null
            then {{ list_of(matches | map('replace', 'matches', 'previous_matches') | list, 'bigint') }}
        {{ 'else kept_previous_matches' if is_suffix }}
    end as previous_matches,
    {{ list_of(state, 'varchar') }} as state_values,
    '{{ predicates_hash }}' as predicates_hash
from changed
{%- if from_scratch() %}
-- By their ends, so that a later run, which asks for those that reach into its days, finds them together: most have ended.
order by valid_to, valid_from
{%- endif %}
