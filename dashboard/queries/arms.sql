-- What each arm of an experiment did, a row per goal and arm. People who had achieved before are in no other figure.
select
    coalesce(goals.name, lift.goal_id) as goal, arm, profiles, achieved_before, achievers, rate,
    case when goals.impact_currency is not null then impact_mean end as impact_mean, goals.impact_currency
from (
    select
        workspace_id, experiment_id, goal_id, horizon, is_primary, 'treatment' as arm, treatment_profiles as profiles,
        treatment_achieved_before as achieved_before, treatment_achievers as achievers, treatment_rate as rate,
        treatment_impact_mean as impact_mean
    from rpt_goal_lift
    union all
    select
        workspace_id, experiment_id, goal_id, horizon, is_primary, 'control', control_profiles, control_achieved_before,
        control_achievers, control_rate, control_impact_mean
    from rpt_goal_lift
) as lift
inner join dim_goals as goals
    on lift.workspace_id = goals.workspace_id and lift.goal_id = goals.goal_id and goals.is_current
where lift.workspace_id = $workspace and lift.experiment_id = $experiment and lift.horizon = $horizon
order by is_primary desc, goal, lift.goal_id, arm desc
