-- A goal by channel, on the days chosen. Without a channel: achievements that no message gets the credit for.
select
    channel, sum(impressions) as impressions, sum(enrollments) as enrollments, sum(conversions) as conversions,
    sum(achievers) as attributed_achievers, sum(impact) as attributed_impact
from (
    select channel, period_start, impressions, enrollments, conversions, 0 as achievers, 0 as impact
    from rpt_enrollment_progress where workspace_id = $workspace and goal_id = $goal and period = 'day'
    union all
    select channel, period_start, 0, 0, 0, achievers, impact
    from rpt_goal_progress where workspace_id = $workspace and goal_id = $goal and period = 'day' and channel is not null
)
where period_start between $first_day and $last_day
group by all order by impressions desc, channel
