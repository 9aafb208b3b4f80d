-- Grain: one row per experiment: what it measures and how it is judged (SEMANTICS, section 11). What its newest row leaves empty,
-- its holdouts say. A source with trapped deliveries is the experiment holdout:<source_id> by itself.
with numbered as (

    select
        *,
        row_number() over (partition by workspace_id, experiment_id order by updated_at desc nulls last) as place
    from {{ ref('stg_experiments') }}

),

newest as (

    select * from numbered
    where place = 1

),

holdouts as (

    select
        workspace_id,
        experiment_id,
        max(source_id) as source_id,
        max(expected_control_share) as expected_control_share
    from {{ ref('stg_holdouts') }}
    group by workspace_id, experiment_id

),

trapped as (

    select distinct
        workspace_id,
        'holdout:' || source_id as experiment_id,
        source_id
    from {{ ref('int_deliveries') }}
    where is_holdout and not is_anonymous and sent_at is not null and source_id is not null

),

named as (

    select
        workspace_id,
        experiment_id
    from newest
    union
    select
        workspace_id,
        experiment_id
    from holdouts
    union
    select
        workspace_id,
        experiment_id
    from trapped

)

select
    named.workspace_id,
    named.experiment_id,
    newest.name,
    coalesce(newest.source_id, holdouts.source_id, trapped.source_id) as source_id,
    trapped.source_id as trapped_source_id,
    newest.goal_ids,
    coalesce(newest.expected_control_share, holdouts.expected_control_share) as expected_control_share,
    {{ property_pointer('newest.covariate') }} as covariate_pointer,
    coalesce(newest.alpha, 0.05) as alpha,
    -- what a profile's assignment depends on, besides its own rows
    {{ key_of(['named.workspace_id', 'named.experiment_id', 'trapped.source_id', 'newest.covariate']) }} as assignment_rule
from {{ of_readable_workspaces('named') }} as named
left join newest on named.workspace_id = newest.workspace_id and named.experiment_id = newest.experiment_id
left join holdouts on named.workspace_id = holdouts.workspace_id and named.experiment_id = holdouts.experiment_id
left join trapped on named.workspace_id = trapped.workspace_id and named.experiment_id = trapped.experiment_id
