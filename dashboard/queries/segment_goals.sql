-- One segment by goal.
select
    goals.goal_id, coalesce(goals.name, goals.goal_id) as goal, enrolled, converted, conversion_rate, members, achievers, achiever_rate
from rpt_segment_performance as performance
inner join dim_goals as goals
    on performance.workspace_id = goals.workspace_id and performance.goal_id = goals.goal_id and goals.is_current
where performance.workspace_id = $workspace and performance.segment_id = $segment
order by goal
