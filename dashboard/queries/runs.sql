-- The last runs, newest first (UTC).
with steps as (
    select
        run_id,
        string_agg(step || coalesce(' ' || round(seconds, 1) || ' s', ' ' || outcome), ', ' order by started_at) as steps
    from ops.run_steps
    group by run_id
)

select started_at, finished_at, outcome, as_of, is_full_refresh, files_loaded, message, steps, run_id
from ops.runs
left join steps using (run_id)
order by started_at desc
limit 20
