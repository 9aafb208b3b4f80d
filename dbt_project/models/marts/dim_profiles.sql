-- Grain: one row per profile with a snapshot: its newest one. Deleted ones stay, marked, without properties.
-- Incremental: profiles whose snapshots the new rows touch are recomputed from their snapshots since affected_from. The newest is
-- among these: snapshots come and never go. Besides, everybody whose workspace becomes readable or unreadable: these are affected from
-- the beginning on.
{%- set touched = "(
    select profile_key from staging.base_profile_snapshots
    where touched_after = (select after_file_id from control.increment) and reason_code is null
    union
    select profile_key from intermediate.int_affected_profiles
    where affected_from = " ~ beginning_of_time() ~ "
)" %}
{{ config(
    materialized='recompute', meta={'recompute_where': 'kept.profile_key in ' ~ touched},
) }}

with bounds as (

    select
        profile_key,
        min(observed_at) as first_observed_at,
        max(observed_at) as newest_observed_at
    from {{ of_readable_workspaces(affected_rows(ref('stg_profile_snapshots'), 'observed_at')) }} as snapshots
    {%- if not from_scratch() %}
    where profile_key in {{ touched }}
    {%- endif %}
    group by profile_key

)

select
    snapshots.workspace_id,
    snapshots.profile_id,
    snapshots.properties,
    snapshots.is_deleted,
    {{ 'least(bounds.first_observed_at, kept.first_observed_at)' if not from_scratch() else 'bounds.first_observed_at' }}
        as first_observed_at,
    snapshots.observed_at,
    snapshots.profile_key
from {{ ref('stg_profile_snapshots') }} as snapshots
inner join bounds
    on snapshots.profile_key = bounds.profile_key and snapshots.observed_at = bounds.newest_observed_at
{%- if not from_scratch() %}
left join {{ this }} as kept on snapshots.profile_key = kept.profile_key
{%- endif %}
