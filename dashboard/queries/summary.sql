-- One goal since its beginning, until the clock.
select
    achievers, attributed_achievers, 1.0 * attributed_achievers / nullif(achievers, 0) as attributed_share,
    achiever_rate, impressions, audience, audience_achiever_rate, enrollments, conversions, conversion_rate,
    closed_conversion_rate, median_seconds_to_convert, impact, impact_first
from rpt_goal_summary
where workspace_id = $workspace and goal_id = $goal
