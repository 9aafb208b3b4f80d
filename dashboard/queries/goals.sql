-- A row per goal, as of the clock. trend: achievers of the last 30 days.
select
    goals.workspace_id, goals.goal_id, coalesce(goals.name, goals.goal_id) as name, summary.status, goals.tags,
    summary.achievers, summary.achiever_rate, summary.impressions, summary.enrollments, summary.conversions,
    summary.conversion_rate, summary.closed_conversion_rate,
    summary.attributed_achievers / nullif(summary.achievers, 0) as attributed_share,
    summary.impact, goals.impact_currency, summary.is_locked, goals.first_sent_at, trend.achievers as trend
from rpt_goal_summary as summary
join dim_goals as goals using (workspace_id, goal_id)
left join (
    select workspace_id, goal_id, list(achievers order by period_start) as achievers
    from (
        select progress.workspace_id, goal_id, period_start, sum(achievers)::bigint as achievers
        from rpt_goal_progress as progress join dim_workspaces using (workspace_id)
        where period = 'day' and period_start > as_of::date - 30
        group by all
    )
    group by all
) as trend using (workspace_id, goal_id)
where goals.is_current
order by name, goals.workspace_id
