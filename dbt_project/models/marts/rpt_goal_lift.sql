-- Grain: one row per experiment, goal that it is measured for, and horizon (SEMANTICS, section 11): what each arm did, and what
-- of it the messages caused. Do not sum over goals or horizons: they are the same people.
with arms as (

    select * from {{ ref('int_experiment_arms') }}

)

select
    goals.workspace_id,
    goals.experiment_id,
    goals.goal_id,
    treatment.horizon,
    experiments.source_id,
    experiments.name as experiment_name,
    currencies.currency,
    goals.is_primary,
    experiments.alpha,
    experiments.expected_control_share,
    treatment.conflicting,

    -- the arms
    treatment.profiles as treatment_profiles,
    treatment.achieved_before as treatment_achieved_before,
    treatment.achievers as treatment_achievers,
    treatment.rate as treatment_rate,
    treatment.impact as treatment_impact,
    treatment.impact_mean as treatment_impact_mean,
    treatment.impact_variance as treatment_impact_variance,
    control.profiles as control_profiles,
    control.achieved_before as control_achieved_before,
    control.achievers as control_achievers,
    control.rate as control_rate,
    control.impact as control_impact,
    control.impact_mean as control_impact_mean,
    control.impact_variance as control_impact_variance,

    -- the difference between them
    tested.difference,
    tested.wald_lower,
    tested.wald_upper,
    tested.newcombe_lower,
    tested.newcombe_upper,
    tested.always_valid_lower,
    tested.always_valid_upper,
    tested.z,
    tested.p,
    tested.adjusted_p,
    tested.ratio,
    tested.ratio_lower,
    tested.ratio_upper,
    tested.incremental_achievers,
    tested.incremental_achievers_lower,
    tested.incremental_achievers_upper,
    tested.impact_difference,
    tested.impact_difference_lower,
    tested.impact_difference_upper,
    tested.impact_p,
    tested.theta,
    tested.adjusted_impact_difference,
    tested.adjusted_impact_difference_lower,
    tested.adjusted_impact_difference_upper,
    tested.adjusted_impact_p,
    tested.sample_ratio_p,
    tested.verdict
from {{ ref('int_experiment_goals') }} as goals
inner join {{ ref('int_experiments') }} as experiments
    on goals.workspace_id = experiments.workspace_id and goals.experiment_id = experiments.experiment_id
inner join arms as treatment
    on
        goals.workspace_id = treatment.workspace_id
        and goals.experiment_id = treatment.experiment_id
        and goals.goal_id = treatment.goal_id
        and treatment.arm = 'treatment'
inner join arms as control
    on
        treatment.workspace_id = control.workspace_id
        and treatment.experiment_id = control.experiment_id
        and treatment.goal_id = control.goal_id
        and treatment.horizon = control.horizon
        and control.arm = 'control'
inner join {{ ref('int_experiment_statistics') }} as tested
    on
        treatment.workspace_id = tested.workspace_id
        and treatment.experiment_id = tested.experiment_id
        and treatment.goal_id = tested.goal_id
        and treatment.horizon = tested.horizon
left join {{ ref('int_goal_currencies') }} as currencies
    on goals.workspace_id = currencies.workspace_id and goals.goal_id = currencies.goal_id
