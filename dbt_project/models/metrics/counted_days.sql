-- Grain: one row per calendar day from 1970 to the last day of any workspace that reports count.
select
    {{ one_row_a_period(
        "date '1970-01-01'",
        "(select max(" ~ local_day('as_of', 'time_zone') ~ ") from " ~ counted('dim_workspaces') ~ ")",
        'day',
    ) }} as calendar_day
