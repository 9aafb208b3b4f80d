-- Grain: one row per workspace that has a readable id but no landed row that can be staged, with the reason. Its days and amounts
-- would be wrong, so no mart contains it until one of its rows can be staged (SEMANTICS, section 2; macros/readable.sql).
with rows_in_order as (

    select
        workspace_id,
        reason_code,
        problem,
        max(case when reason_code is null then 1 else 0 end) over (partition by workspace_id) = 1 as is_readable,
        row_number() over (
            partition by workspace_id
            order by coalesce(sequence, 0) desc nulls last, reason_code asc nulls last, problem asc nulls last
        ) as place
    from {{ ref('base_workspaces') }}
    where workspace_id is not null and coalesce(reason_code, '') <> 'bad_key'

)

select
    workspace_id,
    reason_code,
    problem
from rows_in_order
where not is_readable and place = 1
