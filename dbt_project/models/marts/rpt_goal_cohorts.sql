-- Grain: one row per goal, source and day of enrollment (calendar of the workspace), up to as_of (SEMANTICS, section 10).
with enrollments as (

    select
        workspace_id,
        goal_id,
        source_id,
        calendar_day as enrollment_day,
        sum(enrollments) as enrollments,
        max(latest_window_ends_at) as latest_window_ends_at
    from {{ ref('int_goal_days') }}
    where enrollments > 0
    group by workspace_id, goal_id, source_id, calendar_day

),

-- Counted here, because int_goal_days has conversions by the day of the conversion.
conversions as (

    select
        conversions.workspace_id,
        conversions.goal_id,
        conversions.source_id,
        cast({{ local_time('conversions.enrolled_at', 'workspaces.time_zone') }} as date) as enrollment_day,
        count(*) as conversions
    from {{ ref('fct_conversions') }} as conversions
    inner join {{ ref('int_workspaces') }} as workspaces on conversions.workspace_id = workspaces.workspace_id
    inner join {{ source('control', 'clock') }} as clock on conversions.converted_at <= clock.as_of
    group by conversions.workspace_id, conversions.goal_id, conversions.source_id, enrollment_day

)

select
    enrollments.workspace_id,
    enrollments.goal_id,
    enrollments.source_id,
    enrollments.enrollment_day,
    cast(enrollments.enrollments as bigint) as enrollments,
    coalesce(conversions.conversions, 0) as conversions,
    {{ rate('coalesce(conversions.conversions, 0)', 'enrollments.enrollments') }} as conversion_rate,
    enrollments.latest_window_ends_at < clock.as_of as is_closed
from enrollments
cross join {{ source('control', 'clock') }} as clock
left join conversions
    on
        enrollments.workspace_id = conversions.workspace_id
        and enrollments.goal_id = conversions.goal_id
        and enrollments.source_id = conversions.source_id
        and enrollments.enrollment_day = conversions.enrollment_day
