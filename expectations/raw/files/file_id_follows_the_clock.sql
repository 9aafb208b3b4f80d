select
    file_id,
    loaded_at,
    earlier
from (
    select
        file_id,
        loaded_at,
        max(loaded_at) over (order by file_id rows between unbounded preceding and 1 preceding) as earlier
    from {batch}
) as files
where loaded_at < earlier
