-- Grain: one row per goal version and source that it lists, and since when the source's deliveries count. For a versioned goal:
-- since the source was attached, that is the first of the consecutive rows that list it (SEMANTICS, section 4).
with listed as (

    select distinct
        workspace_id,
        goal_id,
        updated_at,
        version_number,
        goal_policy,
        {{ one_row_an_item('sources') }} as source_id
    from {{ ref('int_goal_rows') }}
    where reason_code is null

),

-- Consecutive versions that list a source share version_number - row_number.
runs as (

    select
        *,
        version_number - row_number() over (
            partition by workspace_id, goal_id, source_id order by version_number asc nulls last
        ) as run_number
    from listed

)

select
    workspace_id,
    goal_id,
    updated_at as goal_version,
    source_id,
    case
        when goal_policy = 'versioned'
            then min(updated_at) over (partition by workspace_id, goal_id, source_id, run_number)
        else {{ beginning_of_time() }}
    end as attached_at
from runs
