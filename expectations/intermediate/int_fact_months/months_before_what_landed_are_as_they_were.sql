-- Months that this run could not change: as the last success recorded them (by month), and as they are now (one row without a month,
-- which a full refresh has not).
select
    fact,
    coalesce(sum(case when fact_month is not null then fact_rows end), 0) as rows_before,
    coalesce(sum(case when fact_month is null then fact_rows end), 0) as rows_now
from {batch}
where fact_keys is null
group by fact
having
    bool_or(fact_month is null)
    and (
        rows_before <> rows_now
        or coalesce(sum(case when fact_month is not null then cast(sum_of_keys as decimal(38, 0)) end), 0)
        <> coalesce(sum(case when fact_month is null then cast(sum_of_keys as decimal(38, 0)) end), 0)
    )
