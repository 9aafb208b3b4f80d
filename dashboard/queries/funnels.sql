-- The steps of each funnel; with a goal, of the funnels that it is a step of.
select funnel_id, step, steps.goal_id, coalesce(goals.name, steps.goal_id) as goal, profiles, share_of_first, share_of_previous,
    drop_off, median_seconds / 86400 as median_days
from rpt_goal_funnel as steps
left join dim_goals as goals on goals.workspace_id = steps.workspace_id and goals.goal_id = steps.goal_id and goals.is_current
where steps.workspace_id = $workspace and ($goal is null or funnel_id in (select funnel_id from rpt_goal_funnel where goal_id = $goal))
order by funnel_id, step
