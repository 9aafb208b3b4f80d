-- Grain: one row per version in force of a goal that is not deleted (SEMANTICS, section 4): from when to when it judges
-- (valid_from inclusive, valid_to exclusive; the intervals of a goal never overlap) and until when it counts (counts_until).
-- A retroactive goal has one version: its newest row, for all time.
with accepted as (

    select
        *,
        min(updated_at) over (partition by workspace_id, goal_id) as first_updated_at,
        lead(updated_at) over goal_history as next_updated_at,
        last_value(status) over whole_history as newest_status,
        max(case when status = 'active' then updated_at end) over (partition by workspace_id, goal_id) as last_active_at,
        case when definition_hash = lag(definition_hash) over goal_history then 0 else 1 end as starts_core
    from {{ of_readable_workspaces(ref('int_goal_rows')) }} as goal_rows
    where reason_code is null
    window
        goal_history as (partition by workspace_id, goal_id order by updated_at asc nulls last),
        whole_history as (
            partition by workspace_id, goal_id
            order by updated_at asc nulls last
            rows between unbounded preceding and unbounded following
        )

),

-- A version with the same core as the previous one keeps its segments: they are pinned at the moment when the core began.
cores as (

    select
        *,
        max(case when starts_core = 1 then updated_at end) over (
            partition by workspace_id, goal_id
            order by updated_at asc nulls last
            rows between unbounded preceding and current row
        ) as core_began_at,
        -- For retroactive goals: the first row after the last active one.
        min(case when updated_at > last_active_at then updated_at end) over (partition by workspace_id, goal_id) as stopped_at
    from accepted

)

select
    cores.*,
    cores.updated_at as goal_version,
    workspaces.time_zone,
    workspaces.data_start_at,

    -- the versions' intervals
    case when goal_policy = 'retroactive' then {{ beginning_of_time() }} else cores.updated_at end as valid_from,
    case
        when goal_policy = 'retroactive' then {{ end_of_time() }}
        else coalesce(next_updated_at, {{ end_of_time() }})
    end as valid_to,

    -- nothing at or after this moment counts
    case
        when goal_policy <> 'retroactive' and status = 'active' then {{ end_of_time() }}
        when goal_policy = 'retroactive' and last_active_at is not null then coalesce(stopped_at, {{ end_of_time() }})
        else {{ beginning_of_time() }}
    end as counts_until,

    -- nothing before this moment counts: neither before the goal's start nor before the workspace's
    greatest(
        case when goal_policy = 'retroactive' then {{ beginning_of_time() }} else first_updated_at end,
        workspaces.data_start_at
    ) as counts_since,

    -- the version uses the segments in force at this moment
    case when goal_policy = 'retroactive' then {{ end_of_time() }} else core_began_at end as segments_pinned_at
from cores
inner join {{ ref('int_workspaces') }} as workspaces on cores.workspace_id = workspaces.workspace_id
where
    newest_status <> 'deleted'
    and (goal_policy <> 'retroactive' or next_updated_at is null)
