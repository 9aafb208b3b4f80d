-- Several goals over time.
select
    period_start, coalesce(goals.name, progress.goal_id) as goal, sum(progress.achievers) as achievers,
    sum(progress.achievements) as achievements, sum(progress.impact) as impact
from rpt_goal_progress as progress
join dim_goals as goals on goals.workspace_id = progress.workspace_id and goals.goal_id = progress.goal_id and is_current
where progress.workspace_id = $workspace and list_contains($goals, progress.goal_id) and period = $period
    and period_start between date_trunc($period, $first_day) and $last_day
group by all order by all
