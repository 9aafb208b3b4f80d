-- Of the enrollments that began in a period, how many converted. Open: some window has not ended, so the rate can still rise.
select
    date_trunc($period, enrollment_day)::date as period_start, sum(enrollments) as enrollments, sum(conversions) as conversions,
    sum(conversions) / sum(enrollments) as conversion_rate, bool_and(is_closed) as is_closed
from rpt_goal_cohorts
where workspace_id = $workspace and goal_id = $goal and enrollment_day between $first_day and $last_day
group by all order by all
