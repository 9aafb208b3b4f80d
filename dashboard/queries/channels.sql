-- A goal by channel, on these dates.
select
    channel, sum(impressions) as impressions, sum(enrollments) as enrollments, sum(conversions) as conversions,
    sum(achievers) as attributed_achievers, sum(impact) as attributed_impact
from (
    select channel, impressions, enrollments, conversions, 0 as achievers, 0 as impact
    from rpt_enrollment_progress
    where workspace_id = $workspace and goal_id = $goal and period = 'day' and period_start between $first_day and $last_day
    union all
    select channel, 0, 0, 0, achievers, impact
    from rpt_goal_progress
    where workspace_id = $workspace and goal_id = $goal and period = 'day' and period_start between $first_day and $last_day
        and source_id is not null
) as both_reports
group by 1
order by impressions desc, channel
