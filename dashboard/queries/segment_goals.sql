-- One segment by goal: who was in it when the window began, and who is in it now.
select coalesce(goals.name, goals.goal_id) as goal, enrolled, converted, conversion_rate, members, achievers, achiever_rate
from rpt_segment_performance as performance
join dim_goals as goals on goals.workspace_id = performance.workspace_id and goals.goal_id = performance.goal_id and is_current
where performance.workspace_id = $workspace and segment_id = $segment
order by goal
