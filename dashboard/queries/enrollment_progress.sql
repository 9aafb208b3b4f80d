-- Impressions, enrollments and conversions over time, each on the day of its own moment.
select period_start, sum(impressions) as impressions, sum(enrollments) as enrollments, sum(conversions) as conversions
from rpt_enrollment_progress
where workspace_id = $workspace and goal_id = $goal and period = $period
    and period_start between date_trunc($period, $first_day) and $last_day
group by all order by all
