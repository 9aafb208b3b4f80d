-- Grain: one row per profile and moment at which its state changes for some goal: what it matches (bit masks over the profile
-- predicates) from valid_from until valid_to, exclusive. State as of t: valid_from <= t < valid_to; none: int_missing_state.
-- Snapshots and changes that change nothing for any goal are left out.
-- Incremental: for affected profiles, the states from affected_from on are recomputed; the state before is read back and gets a
-- new end. If the set of predicates changes (predicates_hash), all states are recomputed; facts before affected_from still stay.
{{ config(
    materialized='recompute', meta={'recompute_from': 'valid_to', 'recompute_other': 'predicates_hash'}
) }}
-- depends_on: {{ ref('int_profile_observations') }}
{%- set words, values = profile_matches(), state_values() %}
{%- set predicates_hash = local_md5(predicates_sql('profile') ~ property_pointers('state')) %}
{%- set is_suffix = not from_scratch() and holds_only(this, 'predicates_hash', predicates_hash) %}

{#- Each word and each value is a column, because windows are slow with lists. -#}
{%- set matches, state = [], [] %}
{%- for word in words %}{% do matches.append('matches_' ~ loop.index) %}{% endfor %}
{%- for value in values %}{% do state.append('state_' ~ loop.index) %}{% endfor %}

with {% if is_suffix -%}
-- The state of the profile at affected_from.
kept as (

    select states.*
    from {{ this }} as states
    inner join {{ ref('int_affected_profiles') }} as affected on states.profile_key = affected.profile_key
    where
        states.valid_to >= {{ earliest_affected() }}
        and states.valid_to >= affected.affected_from
        and states.valid_from < affected.affected_from

),

{% endif -%}
{%- if not has_profile_changes() -%}
observed as (

    select
        workspace_id,
        profile_key,
        observed_at,
        is_deleted,
        {{ extract_properties('properties', 'snapshot') }} as snapshot_values
    from {{ affected_rows(ref('stg_profile_snapshots'), 'observed_at') if is_suffix else ref('stg_profile_snapshots') }}

),
{%- else -%}
{#- What an observation says of each property; items: what it says at the pointers, and at the top-level keys of those. -#}
{%- set pointers, tops = property_pointers('snapshot'), [] %}
{%- for pointer in pointers %}{% do tops.append(top_level_pointer(pointer)) %}{% endfor %}
{%- set asked, said = (pointers + tops) | unique | list, [] %}
{%- for pointer in pointers %}
{%- set item, top_item = asked.index(pointer) + 1, asked.index(tops[loop.index0]) + 1 %}
{%- do said.append(said_value(list_item('items', item), list_item('items', top_item), 'is_whole')) %}
{%- endfor %}
observations as (

    select
        workspace_id,
        profile_key,
        {{ observation_order() | join(',\n        ') }},
        is_whole,
        {{ json_items('properties', asked) if asked else 'null' }} as items
    from {{
        affected_rows(ref('int_profile_observations'), 'observed_at') if is_suffix else ref('int_profile_observations')
    }}

),

-- Each property as the last observation said that says anything of it; before the first one here, as the kept state has it.
laid_over as (

    select
        workspace_id,
        profile_key,
        observed_at,
        is_deleted,
        {%- for value in said %}
        {{ last_known(value) }} over until_now as value_{{ loop.index }},
        {%- endfor %}
        {{ 'kept_values,' if is_suffix }}
        lead(observed_at) over profile_history as next_observed_at
    from observations
    {%- if is_suffix %}
    left join (select profile_key as kept_profile_key, state_values as kept_values from kept) as until_then
        on observations.profile_key = until_then.kept_profile_key
    {%- endif %}
    window
        profile_history as (partition by profile_key order by {{ in_observation_order() }}),
        until_now as (
            partition by profile_key
            order by {{ in_observation_order() }}
            rows between unbounded preceding and current row
        )

),

-- The observations of one moment are one.
observed as (

    select
        workspace_id,
        profile_key,
        observed_at,
        is_deleted,
        {%- set values_now = [] %}
        {%- for _ in pointers %}
        {%- set kept_value = ', ' ~ list_item('kept_values', loop.index) if is_suffix else '' %}
        {%- do values_now.append("nullif(coalesce(value_" ~ loop.index ~ kept_value ~ ", 'null'), 'null')") %}
        {%- endfor %}
        {{ list_of(values_now, 'string') }} as snapshot_values
    from laid_over
    where next_observed_at is distinct from observed_at

),
{%- endif %}

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

    select
        workspace_id,
        profile_key,
        valid_from as observed_at,
        {%- for column in matches %}
        {{ list_item('matches', loop.index) }} as {{ column }},
        {%- endfor %}
        {%- for column in state %}
        {{ list_item('state_values', loop.index) }} as {{ column }},
        {%- endfor %}
        previous_matches as kept_previous_matches,
        is_deleted
    from kept
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
    {{ list_of(state, 'string') }} as state_values,
    '{{ predicates_hash }}' as predicates_hash
from changed
{%- if from_scratch() %}
-- In order of their ends: a later run reads the states that end in its days or later, and finds them together. Most ended before.
order by valid_to, valid_from
{%- endif %}
