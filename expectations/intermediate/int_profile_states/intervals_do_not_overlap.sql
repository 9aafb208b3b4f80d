select
    workspace_id,
    profile_key,
    valid_from,
    valid_to,
    next_valid_from
from (
    select
        workspace_id,
        profile_key,
        valid_from,
        valid_to,
        lead(valid_from) over (partition by workspace_id, profile_key order by valid_from nulls first) as next_valid_from
    from {batch}
) as intervals
where next_valid_from < coalesce(valid_to, timestamp '9999-12-31 23:59:59.999999')
