-- Of the enrollments that began in a period, how many converted. Open: some window has not ended.
select
    cast(date_trunc($period, enrollment_day) as date) as period_start, sum(enrollments) as enrollments,
    sum(conversions) as conversions, 1.0 * sum(conversions) / sum(enrollments) as conversion_rate,
    case when bool_and(is_closed) then 'closed' else 'open' end as state
from rpt_goal_cohorts
where workspace_id = $workspace and goal_id = $goal and enrollment_day between $first_day and $last_day
group by 1
order by 1
