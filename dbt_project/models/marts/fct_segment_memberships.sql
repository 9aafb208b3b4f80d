-- Grain: one row per segment (its newest definition), profile and stay: from the snapshot that matches while the one before does
-- not (or there is none) until the next one that does not match (SEMANTICS, section 10). People are in several segments.
-- Incremental: of affected profiles, the stays that are open at affected_from or begin later. All stays of a workspace whose
-- segments changed: int_recounted_days recounts it from the beginning then.
{%- set recounted_whole = "(
    select workspace_id from intermediate.int_recounted_days where counted_from = " ~ beginning_of_time() ~ "
)" %}
{{ config(
    materialized='recompute',
    meta={'recompute_where': "kept.workspace_id in " ~ recounted_whole ~ " or exists (
        select 1 from intermediate.int_affected_profiles as affected
        where affected.profile_key = kept.profile_key and coalesce(kept.left_at, " ~ end_of_time() ~ ") >= affected.affected_from
    )"},
) }}
-- depends_on: {{ ref('int_affected_profiles') }}
-- depends_on: {{ ref('int_recounted_days') }}

with segments as (

    select
        predicates.workspace_id,
        predicates.owner_id as segment_id,
        predicates.predicate_number
    from {{ ref('int_predicates') }} as predicates
    -- Those of readable workspaces.
    inner join {{ ref('dim_segments') }} as segments
        on predicates.workspace_id = segments.workspace_id and predicates.owner_id = segments.segment_id
    where predicates.role = 'segment'

),

states as (

    {% if from_scratch() -%}
    select * from {{ ref('int_profile_states') }}
    {%- else -%}
    select *
    from {{ affected_rows(ref('int_profile_states'), 'valid_from') }} as affected_states
    where workspace_id not in {{ recounted_whole }}
    union all
    select *
    from {{ ref('int_profile_states') }}
    where workspace_id in {{ recounted_whole }}
    {%- endif %}

),

-- In or out, by turns.
changes as (

    select
        states.workspace_id,
        segments.segment_id,
        profiles.profile_id,
        states.profile_key,
        states.valid_from as changed_at,
        {{ is_match('states.matches', 'segments.predicate_number') }} as is_member
    from states
    inner join segments on states.workspace_id = segments.workspace_id
    inner join {{ ref('dim_profiles') }} as profiles on states.profile_key = profiles.profile_key
    where
        {{ is_match('states.matches', 'segments.predicate_number') }}
        <> coalesce({{ is_match('states.previous_matches', 'segments.predicate_number') }}, false)

    {%- if not from_scratch() %}

    union all

    -- Stays that affected_from finds open.
    select
        stays.workspace_id,
        stays.segment_id,
        stays.profile_id,
        stays.profile_key,
        stays.entered_at as changed_at,
        true as is_member
    from {{ this }} as stays
    inner join {{ ref('int_affected_profiles') }} as affected on stays.profile_key = affected.profile_key
    where
        stays.entered_at < affected.affected_from
        and coalesce(stays.left_at, {{ end_of_time() }}) >= affected.affected_from
        and stays.workspace_id not in {{ recounted_whole }}
    {%- endif %}

),

with_next as (

    select
        *,
        lead(changed_at) over (
            partition by {{ key_of(['workspace_id', 'segment_id', 'profile_key']) }} order by changed_at asc nulls last
        ) as next_changed_at
    from changes

)

select
    workspace_id,
    segment_id,
    profile_id,
    changed_at as entered_at,
    next_changed_at as left_at,
    profile_key
from with_next
where is_member
