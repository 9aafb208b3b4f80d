-- Grain: one row per workspace: the clock of this run's reports (as_of), and the first calendar day that the run recounts
-- (first_day). Only this model decides it; int_goal_days and int_segment_days keep the days before. A figure is on the day of its
-- moment. So no figure before the earliest affected_from of the workspace has changed. And both clocks, the last one and the one
-- now, count the same before the earlier of the two, whether the clock moved forward or back.
-- Incremental: until a run succeeds, the days that failed runs may have counted by their clocks are recounted too.
{{ config(
    materialized='recompute', meta={'holds': 'scope', 'recompute_where': 'true'}
) }}

with affected as (

    select
        workspace_id,
        min(affected_from) as affected_from
    from {{ ref('int_affected_profiles') }}
    group by workspace_id

),

segments as (

    select
        workspace_id,
        sum({{ key_of(['owner_id', 'predicate']) }}) as segments_sum
    from {{ ref('int_predicates') }}
    where role = 'segment'
    group by workspace_id

),

workspaces as (

    select
        workspaces.workspace_id,
        clock.as_of,
        workspaces.time_zone || ' ' || workspaces.currency || ' '
        || cast(coalesce(segments.segments_sum, 0) as string) as counted_by,
        coalesce(affected.affected_from, {{ end_of_time() }}) as affected_from
    from {{ ref('int_workspaces') }} as workspaces
    cross join {{ source('control', 'clock') }} as clock
    left join segments on workspaces.workspace_id = segments.workspace_id
    left join affected on workspaces.workspace_id = affected.workspace_id

),

compared as (

    select
        workspaces.*,
        {%- if from_scratch() %}
        {{ beginning_of_time() }} as counted_from
        {%- else %}
        case
            when counted_before.counted_by is null or counted_before.counted_by <> workspaces.counted_by then {{ beginning_of_time() }}
            when counted_before.touched_after = {{ watermark() }} then
                least(workspaces.affected_from, workspaces.as_of, counted_before.as_of, counted_before.counted_from)
            else least(workspaces.affected_from, workspaces.as_of, counted_before.as_of)
        end as counted_from
        {%- endif %}
    from workspaces
    {%- if not from_scratch() %}
    left join {{ this }} as counted_before on workspaces.workspace_id = counted_before.workspace_id
    {%- endif %}

)

select
    workspace_id,
    as_of,
    counted_by,
    counted_from,
    -- In every time zone, the local day at that moment is this day or a later one.
    cast(counted_from as date) - 1 as first_day,
    cast({{ watermark() if not from_scratch() else -1 }} as bigint) as touched_after
from compared
