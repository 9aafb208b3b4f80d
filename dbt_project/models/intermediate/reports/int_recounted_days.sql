-- Grain: one row per workspace: the clock that this run counts its reports by (as_of), and the first calendar day that it counts
-- anew (first_day). THE place that decides it: int_goal_days and int_segment_days keep the days before.
-- A figure lies on the day of its moment. So nothing before the earliest affected_from of the workspace has changed, and nothing
-- before the earlier of two clocks is counted by one of them and not by the other, whether the clock moved on or back.
-- Incremental: while a run has not succeeded, what it counted by its clock, or would have, is counted anew.
{{ config(materialized='incremental', incremental_strategy='recompute', meta={'recompute_where': 'true'}) }}

with affected as (

    select
        workspace_id,
        min(affected_from) as affected_from
    from {{ ref('int_affected_profiles') }}
    group by workspace_id

),

counted as (

    select
        workspaces.workspace_id,
        clock.as_of,
        least(
            clock.as_of,
            coalesce(affected.affected_from, {{ end_of_time() }}),
            {%- if from_scratch() %}
            {{ beginning_of_time() }}
            {%- else %}
            coalesce(counted_before.as_of, {{ beginning_of_time() }}),
            case when counted_before.touched_after = {{ watermark() }} then counted_before.counted_from else {{ end_of_time() }} end
            {%- endif %}
        ) as counted_from
    from {{ ref('int_workspaces') }} as workspaces
    cross join {{ source('control', 'clock') }} as clock
    left join affected on workspaces.workspace_id = affected.workspace_id
    {%- if not from_scratch() %}
    left join {{ this }} as counted_before on workspaces.workspace_id = counted_before.workspace_id
    {%- endif %}

)

select
    workspace_id,
    as_of,
    counted_from,
    -- Wherever it is at that moment, it is this day or a later one; also by the time zone that the workspace had before.
    cast(counted_from as date) - 1 as first_day,
    cast({{ watermark() }} as bigint) as touched_after
from counted
