-- The first and the last day with an achievement or an impression of a goal.
select min(period_start) as first_day, max(period_start) as last_day
from (
    select period_start from rpt_goal_progress
    where workspace_id = $workspace and goal_id = $goal and period = 'day' and achievements > 0
    union all
    select period_start from rpt_enrollment_progress
    where workspace_id = $workspace and goal_id = $goal and period = 'day' and impressions + enrollments + conversions > 0
)
