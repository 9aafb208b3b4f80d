-- What happened on the days chosen, each figure on the day of its own moment.
select
    sum(achievers) as achievers, sum(achievements) as achievements, sum(impact) as impact,
    sum(achievers) filter (source_id is not null) as attributed_achievers,
    sum(impressions) as impressions, sum(enrollments) as enrollments, sum(conversions) as conversions
from (
    select period_start, source_id, achievers, achievements, impact, 0 as impressions, 0 as enrollments, 0 as conversions
    from rpt_goal_progress where workspace_id = $workspace and goal_id = $goal and period = 'day'
    union all
    select period_start, source_id, 0, 0, 0, impressions, enrollments, conversions
    from rpt_enrollment_progress where workspace_id = $workspace and goal_id = $goal and period = 'day'
)
where period_start between $first_day and $last_day
