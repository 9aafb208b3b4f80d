-- Several goals over time.
select progress.period_start, coalesce(goals.name, goals.goal_id) as series, sum($figure) as figure
from $mart as progress
inner join dim_goals as goals
    on progress.workspace_id = goals.workspace_id and progress.goal_id = goals.goal_id and goals.is_current
where progress.workspace_id = $workspace and progress.goal_id in $goals and progress.period = $period
    and progress.period_start between date_trunc($period, $first_day) and $last_day
group by 1, 2
order by 1, 2
