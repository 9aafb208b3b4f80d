-- Grain: one row per experiment, goal, horizon and arm: what its profiles did, as the sums that every statistic needs (SEMANTICS,
-- section 11). Both arms are always there. Do not sum over goals or horizons.
with clock as (

    select as_of from {{ source('control', 'clock') }}

),

-- Profiles by their first assignment; one with two arms is in neither.
assigned as (

    select
        assignments.workspace_id,
        assignments.experiment_id,
        assignments.profile_key,
        min(assignments.arm) as arm,
        min(assignments.assigned_at) as assigned_at,
        min(assignments.covariate) as covariate,
        count(*) > 1 as is_conflicting
    from {{ ref('int_assignments') }} as assignments
    inner join clock on assignments.assigned_at <= clock.as_of
    group by assignments.workspace_id, assignments.experiment_id, assignments.profile_key

),

conflicts as (

    select
        workspace_id,
        experiment_id,
        count(*) as conflicting
    from assigned
    where is_conflicting
    group by workspace_id, experiment_id

),

measured as (

    select
        assigned.workspace_id,
        assigned.experiment_id,
        goals.goal_id,
        assigned.profile_key,
        assigned.arm,
        assigned.assigned_at,
        assigned.covariate,
        {{ window_end('assigned.assigned_at', 'goals.measurement_window_days', 'workspaces.time_zone') }} as window_ends_at
    from assigned
    inner join {{ ref('int_experiment_goals') }} as goals
        on assigned.workspace_id = goals.workspace_id and assigned.experiment_id = goals.experiment_id
    inner join {{ ref('int_workspaces') }} as workspaces on assigned.workspace_id = workspaces.workspace_id
    where not assigned.is_conflicting

),

achieved as (

    select
        measured.workspace_id,
        measured.experiment_id,
        measured.goal_id,
        measured.profile_key,
        min(achievements.achieved_at) as first_achieved_at,
        sum(achievements.impact_value) as impact_to_date,
        sum(case when achievements.achieved_at <= measured.window_ends_at then achievements.impact_value end) as impact_window
    from measured
    inner join {{ ref('fct_achievements') }} as achievements
        on
            measured.workspace_id = achievements.workspace_id
            and measured.goal_id = achievements.goal_id
            and measured.profile_key = achievements.profile_key
    inner join clock on achievements.achieved_at <= clock.as_of
    group by measured.workspace_id, measured.experiment_id, measured.goal_id, measured.profile_key

),

outcomes as (

    select
        measured.*,
        coalesce(achieved.first_achieved_at < measured.assigned_at, false) as has_achieved_before,
        coalesce(achieved.first_achieved_at >= measured.assigned_at, false) as has_achieved_to_date,
        coalesce(
            achieved.first_achieved_at >= measured.assigned_at and achieved.first_achieved_at <= measured.window_ends_at, false
        ) as has_achieved_window,
        coalesce(achieved.impact_to_date, 0) as impact_to_date,
        coalesce(achieved.impact_window, 0) as impact_window,
        coalesce(measured.window_ends_at < clock.as_of, false) as has_ended
    from measured
    cross join clock
    left join achieved
        on
            measured.workspace_id = achieved.workspace_id
            and measured.experiment_id = achieved.experiment_id
            and measured.goal_id = achieved.goal_id
            and measured.profile_key = achieved.profile_key

),

counted as (

    {% for horizon in ('to_date', 'window') -%}
    {%- set impact, is_new = 'impact_' ~ horizon, 'not has_achieved_before' -%}
    {{ 'union all' if not loop.first }}
    select
        workspace_id,
        experiment_id,
        goal_id,
        '{{ horizon }}' as horizon,
        arm,
        count(case when not has_achieved_before then 1 end) as profiles,
        count(case when has_achieved_before then 1 end) as achieved_before,
        count(case when has_achieved_{{ horizon }} then 1 end) as achievers,
        cast(coalesce(sum(case when not has_achieved_before then {{ impact }} end), 0) as decimal(38, 6)) as impact,
        {{ variance_of('cast(' ~ impact ~ ' as double)', is_new) }} as impact_variance,
        {{ mean_of('covariate', is_new) }} as covariate_mean,
        {{ variance_of('covariate', is_new) }} as covariate_variance,
        {{ covariance_of('cast(' ~ impact ~ ' as double)', 'covariate', is_new) }} as covariance
    from outcomes
    {%- if horizon == 'window' %}
    where has_ended
    {%- endif %}
    group by workspace_id, experiment_id, goal_id, arm
    {% endfor %}

),

every_arm as (

    select
        goals.workspace_id,
        goals.experiment_id,
        goals.goal_id,
        horizons.horizon,
        arms.arm
    from {{ ref('int_experiment_goals') }} as goals
    cross join (values ('to_date'), ('window')) as horizons (horizon)
    cross join (values ('treatment'), ('control')) as arms (arm)

)

select
    every_arm.workspace_id,
    every_arm.experiment_id,
    every_arm.goal_id,
    every_arm.horizon,
    every_arm.arm,
    coalesce(counted.profiles, 0) as profiles,
    coalesce(counted.achieved_before, 0) as achieved_before,
    coalesce(counted.achievers, 0) as achievers,
    {{ rate('counted.achievers', 'counted.profiles') }} as rate,
    coalesce(counted.impact, 0) as impact,
    {{ rate('counted.impact', 'counted.profiles') }} as impact_mean,
    counted.impact_variance,
    counted.covariate_mean,
    counted.covariate_variance,
    counted.covariance,
    coalesce(conflicts.conflicting, 0) as conflicting
from every_arm
left join counted
    on
        every_arm.workspace_id = counted.workspace_id
        and every_arm.experiment_id = counted.experiment_id
        and every_arm.goal_id = counted.goal_id
        and every_arm.horizon = counted.horizon
        and every_arm.arm = counted.arm
left join conflicts
    on every_arm.workspace_id = conflicts.workspace_id and every_arm.experiment_id = conflicts.experiment_id
