-- How long conversions took, of the enrollments that began on these dates.
select
    count(*) as conversions,
    percentile_cont(0.25) within group (order by seconds_to_convert) as quarter,
    percentile_cont(0.5) within group (order by seconds_to_convert) as half,
    percentile_cont(0.9) within group (order by seconds_to_convert) as most
from fct_enrollments
where workspace_id = $workspace and goal_id = $goal and converted_at <= $as_of
    and cast(timezone($time_zone, timezone('UTC', enrolled_at)) as date) between $first_day and $last_day
