-- What happened on these dates, each figure on the day of its own moment.
select
    sum(achievers) as achievers, sum(attributed_achievers) as attributed_achievers, sum(achievements) as achievements,
    sum(impact) as impact, sum(impressions) as impressions, sum(enrollments) as enrollments, sum(conversions) as conversions
from (
    select
        achievers, case when source_id is not null then achievers end as attributed_achievers, achievements, impact,
        0 as impressions, 0 as enrollments, 0 as conversions
    from rpt_goal_progress
    where workspace_id = $workspace and goal_id = $goal and period = 'day' and period_start between $first_day and $last_day
    union all
    select 0, 0, 0, 0, impressions, enrollments, conversions
    from rpt_enrollment_progress
    where workspace_id = $workspace and goal_id = $goal and period = 'day' and period_start between $first_day and $last_day
) as both_reports
