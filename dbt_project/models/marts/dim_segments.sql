-- Grain: one row per segment: its newest row.
with numbered as (

    select
        *,
        row_number() over (partition by workspace_id, segment_id order by updated_at desc nulls last) as number_from_the_newest
    from {{ of_readable_workspaces(ref('stg_segments')) }} as segments

)

select
    workspace_id,
    segment_id,
    name,
    filter,
    updated_at
from numbered
where number_from_the_newest = 1
