-- What the last 20 runs that published changed in the marts, newest first (UTC). Marts that are the same are left out.
with last_runs as (
    select run_id, started_at, finished_at
    from ops.runs
    where run_id in (select run_id from ops.mart_changes)
    order by started_at desc
    limit 20
)

select finished_at, mart, rows_added, rows_removed, rows_changed, cast(first_day as varchar) as first_day
from last_runs
inner join ops.mart_changes using (run_id)
where rows_added + rows_removed + rows_changed > 0
order by started_at desc, mart
