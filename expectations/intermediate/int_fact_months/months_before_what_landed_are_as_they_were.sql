select
    coalesce(kept.fact, months.fact) as fact,
    coalesce(kept.fact_month, months.fact_month) as fact_month,
    kept.fact_rows as rows_before,
    months.fact_rows as rows_now
from {batch} as months
full join control.built_fact_months as kept
    on months.fact = kept.fact and months.fact_month = kept.fact_month
where
    (select not is_everything from control.increment)
    and coalesce(kept.fact_month, months.fact_month) + interval 1 month <= (
        select coalesce(min(affected_from), timestamp '9999-01-01') from intermediate.int_affected_profiles
    )
    and (kept.fact_rows, kept.sum_of_keys) is distinct from (months.fact_rows, months.sum_of_keys)
