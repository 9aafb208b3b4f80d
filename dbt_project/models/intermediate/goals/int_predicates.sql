-- Grain: one row per filter of int_filters (owner, role, moment of pinning): the number of its predicate. Equal filters share a
-- number, so each is evaluated once for all goals that use it. Numbers start at 0 within a kind: profile (one bit each of
-- int_profile_states.matches), event, trigger_match.
with filters as (

    select
        *,
        case when role in ('event', 'trigger_match') then role else 'profile' end as kind
    from {{ ref('int_filters') }}

)

select
    workspace_id,
    owner_id,
    owner_updated_at,
    pinned_at,
    role,
    kind,
    predicate,
    dense_rank() over (partition by kind order by predicate asc nulls last) - 1 as predicate_number,
    {{ list_length('profile_properties') }} > 0 as reads_profile
from filters
