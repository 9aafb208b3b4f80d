-- A row per goal, until the clock. trend: achievers on each of the last 30 days.
select
    goals.goal_id, coalesce(goals.name, goals.goal_id) as name, summary.status, goals.tags, summary.achievers,
    trend.trend, summary.conversion_rate, summary.closed_conversion_rate,
    1.0 * summary.attributed_achievers / nullif(summary.achievers, 0) as attributed_share,
    case when goals.impact_currency is not null then summary.impact end as impact, goals.impact_currency, summary.impressions, summary.enrollments, summary.conversions
from rpt_goal_summary as summary
inner join dim_goals as goals
    on summary.workspace_id = goals.workspace_id and summary.goal_id = goals.goal_id and goals.is_current
left join (
    select goal_id, array_agg(achievers order by day) as trend
    from (
        select goal_id, period_start as day, sum(achievers) as achievers
        from rpt_goal_progress
        where workspace_id = $workspace and period = 'day' and period_start > $today - 30
        group by 1, 2
    ) as days
    group by 1
) as trend on summary.goal_id = trend.goal_id
where summary.workspace_id = $workspace
    and summary.status in $statuses
    and exists (select 1 from unnest(goals.tags) as own(tag) where own.tag in $tags)
order by name
