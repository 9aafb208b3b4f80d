-- Grain: one row per profile of which anything was observed: its newest state. Deleted profiles stay, marked, without properties.
-- Incremental: profiles of which the new rows observe anything are recomputed from what was observed since affected_from. The
-- newest is among these, because no observation is ever removed. For people with changes, the properties come from all that was
-- observed. Also recomputed: every profile of a workspace that becomes readable or unreadable; these are affected from the
-- beginning.
{%- set touched = "(
    select profile_key from staging.base_profile_snapshots
    where touched_after = (select after_file_id from control.increment) and reason_code is null
    union
    select profile_key from staging.base_profile_changes
    where touched_after = (select after_file_id from control.increment) and reason_code is null
    union
    select profile_key from intermediate.int_affected_profiles
    where affected_from = " ~ beginning_of_time() ~ "
)" %}
{{ config(
    materialized='recompute', meta={'recompute_where': 'kept.profile_key in ' ~ touched},
) }}
-- depends_on: {{ ref('stg_profile_changes') }}
{%- set is_touched = 'true' if from_scratch() else 'profile_key in ' ~ touched %}

with bounds as (

    select
        profile_key,
        min(observed_at) as first_observed_at,
        max(observed_at) as newest_observed_at
    from {{ of_readable_workspaces(affected_rows(ref('int_profile_observations'), 'observed_at')) }} as observations
    where {{ is_touched }}
    group by profile_key

),

{% if has_profile_changes() -%}
-- Everything that was observed of the profiles that have changes.
observations as (

    select * from {{ ref('int_profile_observations') }}
    where profile_key in (
        select profile_key from {{ ref('stg_profile_changes') }}
        where {{ is_touched }}
    )

),

newest_properties as (

    {{ laid_over('observations', by=['profile_key']) | indent(4) }}

),

newest_changed as (

    select
        observations.workspace_id,
        observations.profile_id,
        observations.profile_key,
        observations.observed_at,
        bool_or(observations.is_deleted) as is_deleted
    from observations
    inner join bounds
        on observations.profile_key = bounds.profile_key and observations.observed_at = bounds.newest_observed_at
    group by observations.workspace_id, observations.profile_id, observations.profile_key, observations.observed_at

),

{% endif -%}
newest as (

    select
        workspace_id,
        profile_id,
        profile_key,
        observed_at,
        properties,
        is_deleted
    from {{ ref('stg_profile_snapshots') }}
    {%- if has_profile_changes() %}
    where profile_key not in (select profile_key from observations)

    union all

    select
        newest_changed.workspace_id,
        newest_changed.profile_id,
        newest_changed.profile_key,
        newest_changed.observed_at,
        newest_properties.properties,
        newest_changed.is_deleted
    from newest_changed
    left join newest_properties on newest_changed.profile_key = newest_properties.profile_key
    {%- endif %}

)

select
    newest.workspace_id,
    newest.profile_id,
    newest.properties,
    newest.is_deleted,
    {{ 'least(bounds.first_observed_at, kept.first_observed_at)' if not from_scratch() else 'bounds.first_observed_at' }}
        as first_observed_at,
    bounds.newest_observed_at as observed_at,
    newest.profile_key
from newest
inner join bounds
    on newest.profile_key = bounds.profile_key and newest.observed_at = bounds.newest_observed_at
{%- if not from_scratch() %}
left join {{ this }} as kept on newest.profile_key = kept.profile_key
{%- endif %}
