-- Grain: one row per experiment and goal that it is measured for: its goal_ids, or else every goal that lists its source, or else
-- all goals of the workspace; never a deleted or unknown one (SEMANTICS, section 11).
{{ config(materialized='view') }}

with goals as (

    select
        workspace_id,
        goal_id,
        sources,
        measurement_window_days
    from {{ ref('dim_goals') }}
    where is_current

),

named as (

    select
        workspace_id,
        experiment_id,
        {{ list_item('goal_ids', 'position') }} as goal_id,
        min(position) as position
    from (
        select
            *,
            {{ one_row_a_position('goal_ids') }} as position
        from {{ ref('int_experiments') }}
    ) as positions
    group by workspace_id, experiment_id, goal_id

),

without_goals as (

    select * from {{ ref('int_experiments') }}
    where coalesce({{ list_length('goal_ids') }}, 0) = 0

),

of_the_source as (

    select
        experiments.workspace_id,
        experiments.experiment_id,
        goals.goal_id,
        cast(null as bigint) as position
    from without_goals as experiments
    inner join goals
        on experiments.workspace_id = goals.workspace_id and {{ list_has('goals.sources', 'experiments.source_id') }}

),

all_goals as (

    select
        experiments.workspace_id,
        experiments.experiment_id,
        goals.goal_id,
        cast(null as bigint) as position
    from without_goals as experiments
    inner join goals on experiments.workspace_id = goals.workspace_id
    left join of_the_source
        on experiments.workspace_id = of_the_source.workspace_id and experiments.experiment_id = of_the_source.experiment_id
    where of_the_source.experiment_id is null

),

measured as (

    select * from named
    union all
    select * from of_the_source
    union all
    select * from all_goals

)

select
    measured.workspace_id,
    measured.experiment_id,
    measured.goal_id,
    coalesce(measured.position = 1, false) as is_primary,
    goals.measurement_window_days
from measured
inner join goals on measured.workspace_id = goals.workspace_id and measured.goal_id = goals.goal_id
