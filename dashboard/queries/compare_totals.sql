-- Several goals since their beginning, until the clock.
select
    goals.goal_id, coalesce(goals.name, goals.goal_id) as name, summary.achievers, summary.achiever_rate,
    1.0 * summary.attributed_achievers / nullif(summary.achievers, 0) as attributed_share,
    summary.impressions, summary.enrollments, summary.conversions, summary.conversion_rate,
    summary.closed_conversion_rate, summary.median_seconds_to_convert,
    case when goals.impact_currency is not null then summary.impact end as impact, goals.impact_currency
from rpt_goal_summary as summary
inner join dim_goals as goals
    on summary.workspace_id = goals.workspace_id and summary.goal_id = goals.goal_id and goals.is_current
where summary.workspace_id = $workspace and summary.goal_id in $goals
order by name
