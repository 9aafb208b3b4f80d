-- Grain: one row per goal, source and day of enrollment (calendar of the workspace), up to as_of (SEMANTICS, section 10).
with enrollments as (

    select
        enrollments.workspace_id,
        enrollments.goal_id,
        enrollments.source_id,
        cast({{ local_time('enrollments.enrolled_at', 'workspaces.time_zone') }} as date) as enrollment_day,
        coalesce(enrollments.converted_at <= clock.as_of, false) as is_converted,
        coalesce(enrollments.window_ends_at < clock.as_of, false) as is_closed
    from {{ ref('fct_enrollments') }} as enrollments
    inner join {{ ref('int_workspaces') }} as workspaces on enrollments.workspace_id = workspaces.workspace_id
    inner join {{ source('control', 'clock') }} as clock on enrollments.enrolled_at <= clock.as_of

)

select
    workspace_id,
    goal_id,
    source_id,
    enrollment_day,
    count(*) as enrollments,
    count(case when is_converted then 1 end) as conversions,
    {{ rate('count(case when is_converted then 1 end)', 'count(*)') }} as conversion_rate,
    count(case when not is_closed then 1 end) = 0 as is_closed
from enrollments
group by workspace_id, goal_id, source_id, enrollment_day
