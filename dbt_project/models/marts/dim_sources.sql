-- Grain: one row per campaign or broadcast: its newest row. Deleted sources stay, marked.
with numbered as (

    select
        *,
        row_number() over (partition by workspace_id, source_id order by updated_at desc nulls last) as number_from_the_newest
    from {{ of_readable_workspaces(ref('stg_sources')) }} as sources

)

select
    workspace_id,
    source_id,
    source_type,
    name,
    status,
    status = 'deleted' as is_deleted,
    trigger_filter,
    exit_condition,
    exit_goal_id,
    updated_at
from numbered
where number_from_the_newest = 1
