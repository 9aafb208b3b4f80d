-- The steps of each funnel.
select
    funnel_id, step, steps.goal_id, coalesce(goals.name, steps.goal_id) as goal, profiles, share_of_first,
    share_of_previous, drop_off, median_seconds
from rpt_goal_funnel as steps
left join dim_goals as goals
    on steps.workspace_id = goals.workspace_id and steps.goal_id = goals.goal_id and goals.is_current
where steps.workspace_id = $workspace
    and funnel_id = $funnel
    and funnel_id in (select funnel_id from rpt_goal_funnel where workspace_id = $workspace and goal_id = $goal)
order by funnel_id, step
