-- Grain: one row per profile with a snapshot: its newest one. Deleted ones stay, marked, without properties.
with numbered as (

    select
        *,
        row_number() over (partition by workspace_id, profile_id order by observed_at desc nulls last) as number_from_the_newest,
        min(observed_at) over (partition by workspace_id, profile_id) as first_observed_at
    from {{ ref('stg_profile_snapshots') }}

)

select
    workspace_id,
    profile_id,
    properties,
    is_deleted,
    first_observed_at,
    observed_at
from numbered
where number_from_the_newest = 1
