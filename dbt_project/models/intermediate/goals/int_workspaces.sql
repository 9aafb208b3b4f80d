-- Grain: one row per workspace that has a goal, a source or a segment. A workspace that has not landed has the defaults
-- (SEMANTICS, section 1).
with mentioned as (

    select workspace_id from {{ ref('stg_workspaces') }}
    union
    select workspace_id from {{ ref('stg_goals') }}
    union
    select workspace_id from {{ ref('stg_sources') }}
    union
    select workspace_id from {{ ref('stg_segments') }}

)

select
    mentioned.workspace_id,
    coalesce(workspaces.time_zone, 'UTC') as time_zone,
    coalesce(workspaces.currency, 'USD') as currency,
    coalesce(workspaces.data_start_at, {{ beginning_of_time() }}) as data_start_at
from mentioned
left join {{ ref('stg_workspaces') }} as workspaces on mentioned.workspace_id = workspaces.workspace_id
