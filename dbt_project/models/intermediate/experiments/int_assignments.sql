-- Grain: one row per experiment, profile and arm that it landed in: from when on, and the covariate as of then (SEMANTICS,
-- section 11). A profile with two rows is conflicting. Of `holdouts`, the rows with the highest sequence say the arms.
-- Incremental: rows of affected profiles, and of profiles with a touched holdout, are recomputed; so is every row of an
-- experiment whose rule (assignment_rule) is new or has changed.
{%- set touched = "(
    select profile_key from intermediate.int_affected_profiles
    union
    select profile_key from staging.base_holdouts
    where touched_after = (select after_file_id from control.increment) and reason_code is null
)" %}
{{ config(
    materialized='recompute',
    meta={'recompute_where':
        'kept.profile_key in ' ~ touched
        ~ ' or kept.assignment_rule not in (select assignment_rule from intermediate.int_experiments)'},
) }}
-- depends_on: {{ ref('int_affected_profiles') }}
{%- if not from_scratch() %}
{%- set is_recomputed %}
(
        profile_key in {{ touched }}
        or experiments.assignment_rule not in (select distinct assignment_rule from {{ this }})
    )
{%- endset %}
{%- endif %}

with holdout_rows as (

    select
        workspace_id,
        experiment_id,
        profile_id,
        profile_key,
        arm,
        coalesce(sequence, 0) as own_sequence,
        max(coalesce(sequence, 0)) over (partition by row_key) as highest_sequence,
        max(case when is_standing then assigned_at end) over (partition by row_key) as assigned_at
    from {{ ref('base_holdouts') }}
    where reason_code is null

),

landed as (

    select
        experiments.workspace_id,
        experiments.experiment_id,
        holdouts.profile_id,
        holdouts.profile_key,
        holdouts.arm,
        holdouts.assigned_at,
        experiments.covariate_pointer,
        experiments.assignment_rule
    from holdout_rows as holdouts
    inner join {{ ref('int_experiments') }} as experiments
        on holdouts.workspace_id = experiments.workspace_id and holdouts.experiment_id = experiments.experiment_id
    where holdouts.own_sequence = holdouts.highest_sequence {{ 'and ' ~ is_recomputed if is_recomputed }}

    union all

    select
        experiments.workspace_id,
        experiments.experiment_id,
        deliveries.profile_id,
        deliveries.profile_key,
        case when deliveries.is_holdout then 'control' else 'treatment' end as arm,
        deliveries.sent_at as assigned_at,
        experiments.covariate_pointer,
        experiments.assignment_rule
    from {{ ref('int_deliveries') }} as deliveries
    inner join {{ ref('int_experiments') }} as experiments
        on deliveries.workspace_id = experiments.workspace_id and deliveries.source_id = experiments.trapped_source_id
    where not deliveries.is_anonymous and deliveries.sent_at is not null {{ 'and ' ~ is_recomputed if is_recomputed }}

),

assigned as (

    select
        workspace_id,
        experiment_id,
        profile_id,
        profile_key,
        arm,
        min(assigned_at) as assigned_at,
        covariate_pointer,
        assignment_rule
    from landed
    group by workspace_id, experiment_id, profile_id, profile_key, arm, covariate_pointer, assignment_rule

),

-- The covariate in the profile's state as of assigned_at.
covariates as (

    select
        assigned.assignment_rule,
        assigned.profile_key,
        assigned.arm,
        {{ last_by(
            said_value(
                json_item('observations.properties', 'assigned.covariate_pointer'),
                json_item('observations.properties', "'/' || split_part(assigned.covariate_pointer, '/', 2)"),
                'observations.is_whole',
            ),
            observation_order(),
        ) }} as covariate
    from assigned
    inner join {{ ref('int_profile_observations') }} as observations
        on assigned.profile_key = observations.profile_key and assigned.assigned_at >= observations.observed_at
    where assigned.covariate_pointer is not null
    group by assigned.assignment_rule, assigned.profile_key, assigned.arm

),

with_covariates as (

    select
        assigned.*,
        nullif(covariates.covariate, 'null') as covariate
    from assigned
    left join covariates
        on
            assigned.assignment_rule = covariates.assignment_rule
            and assigned.profile_key = covariates.profile_key
            and assigned.arm = covariates.arm

),

read as (

    select
        *,
        {{ json_number('covariate') }} as covariate_number
    from with_covariates

)

select
    workspace_id,
    experiment_id,
    profile_id,
    arm,
    assigned_at,
    -- the square of a larger number is none
    case
        when covariate_pointer is not null
            then coalesce(case when abs(covariate_number) <= 1e150 then covariate_number end, 0)
    end as covariate,
    profile_key,
    assignment_rule
from read
