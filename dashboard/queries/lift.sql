-- What one experiment caused, a row per goal. The column adjusted_p allows for several goals; the verdict may be read every day.
select
    lift.*, coalesce(goals.name, lift.goal_id) as goal, goals.impact_currency, coalesce(sources.name, lift.source_id) as source
from rpt_goal_lift as lift
inner join dim_goals as goals
    on lift.workspace_id = goals.workspace_id and lift.goal_id = goals.goal_id and goals.is_current
left join dim_sources as sources on lift.workspace_id = sources.workspace_id and lift.source_id = sources.source_id
where lift.workspace_id = $workspace and lift.experiment_id = $experiment and lift.horizon = $horizon
order by lift.is_primary desc, goal, lift.goal_id
