-- The first and the last day on which something of a goal happened.
select min(first_day) as first_day, max(last_day) as last_day
from (
    select min(period_start) as first_day, max(period_start) as last_day
    from rpt_goal_progress
    where workspace_id = $workspace and goal_id in $goals and period = 'day' and achievements > 0
    union all
    select min(period_start), max(period_start)
    from rpt_enrollment_progress
    where workspace_id = $workspace and goal_id in $goals and period = 'day' and impressions + conversions > 0
) as both_reports
