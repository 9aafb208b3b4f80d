-- Enrollments on the day their window began, conversions on the day they happened.
select period_start, sum(enrollments) as enrollments, sum(conversions) as conversions
from rpt_enrollment_progress
where workspace_id = $workspace and goal_id = $goal and period = $period
    and period_start between date_trunc($period, $first_day) and $last_day
group by 1
order by 1
