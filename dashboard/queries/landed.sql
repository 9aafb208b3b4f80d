-- What has landed, by table (UTC).
select
    table_name, count(case when outcome = 'loaded' then 1 end) as files, sum(case when outcome = 'loaded' then rows end) as rows,
    count(case when outcome = 'set_aside' then 1 end) as set_aside, max(loaded_at) as last_loaded_at
from ops.files
group by 1
order by 1
