-- Grain: one row per goal version and role of a filter in it: which predicate it is. Equal filters share a number, so each is
-- evaluated once however many goals ask. Numbers run from 0 within a kind: profile (one bit each of int_profile_states.matches),
-- event, trigger_match.
with filters as (

    select
        *,
        case when role in ('eligibility', 'profile') then 'profile' else role end as kind
    from {{ ref('int_version_filters') }}

)

select
    workspace_id,
    goal_id,
    goal_version,
    role,
    kind,
    predicate,
    dense_rank() over (partition by kind order by predicate asc nulls last) - 1 as predicate_number,
    len(profile_properties) > 0 as reads_profile
from filters
