-- Grain: one row per goal, source (null: all) and day since enrollment, up to as_of: Kaplan and Meier's estimate of the share
-- that has converted by the end of the day (SEMANTICS, section 10). Do not sum over days, nor over sources.
{%- set z = 1.959963984540054 %}{# 95 % of a normal distribution lie within so many standard deviations #}

-- Until when an enrollment is watched: until it converts, or nothing more is known of it. One whose window is as long as the
-- newest version's, or longer, is watched to the end of the curve: ended_at is null.
with watched as (

    select
        enrollments.workspace_id,
        enrollments.goal_id,
        enrollments.source_id,
        enrollments.enrolled_at,
        coalesce(enrollments.converted_at <= clock.as_of, false) as has_converted,
        case
            when enrollments.converted_at <= clock.as_of then enrollments.converted_at
            when coalesce(enrollments.window_ends_at, {{ end_of_time() }}) >= clock.as_of then clock.as_of
            when versions.measurement_window_days < coalesce(goals.measurement_window_days, 91) then enrollments.window_ends_at
        end as ended_at,
        versions.measurement_window_days as own_days,
        least(coalesce(goals.measurement_window_days, 90), 90) as last_day
    from {{ ref('fct_enrollments') }} as enrollments
    inner join {{ source('control', 'clock') }} as clock on enrollments.enrolled_at <= clock.as_of
    inner join {{ ref('dim_goals') }} as versions
        on
            enrollments.workspace_id = versions.workspace_id
            and enrollments.goal_id = versions.goal_id
            and enrollments.goal_version = versions.goal_version
    inner join {{ ref('dim_goals') }} as goals
        on enrollments.workspace_id = goals.workspace_id and enrollments.goal_id = goals.goal_id and goals.is_current

),

-- A window of 0 days is day 0, however many hours it has.
ended as (

    select
        workspace_id,
        goal_id,
        source_id,
        last_day,
        has_converted,
        case
            when own_days = 0 and ended_at is not null then 0
            else cast(floor({{ elapsed_microseconds('enrolled_at', 'ended_at') }} / cast(86400000000 as double)) as bigint)
        end as day
    from watched

),

counted_by_source as (

    select
        workspace_id,
        goal_id,
        source_id,
        last_day,
        day,
        count(*) as enrollments,
        count(case when has_converted then 1 end) as conversions,
        count(case when not has_converted then 1 end) as censored
    from ended
    group by workspace_id, goal_id, source_id, last_day, day

),

by_source as (

    select * from counted_by_source
    union all
    select
        workspace_id,
        goal_id,
        null as source_id,
        last_day,
        day,
        enrollments,
        conversions,
        censored
    from counted_by_source

),

days as (

    select
        workspace_id,
        goal_id,
        source_id,
        enrollments,
        {{ one_row_a_number('0', 'last_day') }} as day
    from (
        select
            workspace_id,
            goal_id,
            source_id,
            last_day,
            cast(sum(enrollments) as bigint) as enrollments
        from by_source
        group by workspace_id, goal_id, source_id, last_day
    ) as series

),

ends as (

    select
        workspace_id,
        goal_id,
        source_id,
        day,
        cast(sum(conversions) as bigint) as conversions,
        cast(sum(censored) as bigint) as censored
    from by_source
    group by workspace_id, goal_id, source_id, day

),

counted as (

    select
        days.workspace_id,
        days.goal_id,
        days.source_id,
        days.day,
        days.enrollments,
        coalesce(ends.conversions, 0) as conversions,
        coalesce(ends.censored, 0) as censored
    from days
    left join ends
        on
            days.workspace_id = ends.workspace_id
            and days.goal_id = ends.goal_id
            and days.source_id is not distinct from ends.source_id
            and days.day = ends.day

),

at_risk as (

    select
        *,
        sum(conversions) over until_the_day as all_conversions,
        enrollments - sum(conversions + censored) over until_the_day + conversions + censored as at_risk
    from counted
    window until_the_day as (
        partition by workspace_id, goal_id, source_id
        order by day asc nulls last
        rows between unbounded preceding and current row
    )

),

steps as (

    select
        *,
        case when conversions > 0 and conversions = at_risk then 1 else 0 end as is_last,
        case
            when conversions > 0 and conversions < at_risk then ln(1 - conversions / cast(at_risk as double))
            else 0
        end as log_step,
        case
            when conversions > 0 and conversions < at_risk
                then conversions / (at_risk * cast(at_risk - conversions as double))
            else 0
        end as variance_step
    from at_risk

),

-- The logarithm of the share that has not converted, a sum over the days (null: nobody is left), and Greenwood's sum.
multiplied as (

    select
        *,
        case when max(is_last) over until_the_day = 0 then sum(log_step) over until_the_day end as log_remaining,
        sum(variance_step) over until_the_day as greenwood
    from steps
    window until_the_day as (
        partition by workspace_id, goal_id, source_id
        order by day asc nulls last
        rows between unbounded preceding and current row
    )

),

-- The log-log interval has no ends where nobody has converted, or everybody.
spread as (

    select
        *,
        case when log_remaining < 0 then exp({{ z }} * sqrt(greenwood) / -log_remaining) end as factor
    from multiplied

)

select
    workspace_id,
    goal_id,
    source_id,
    day,
    cast(at_risk as bigint) as at_risk,
    conversions,
    censored,
    1 - coalesce(exp(log_remaining), 0) as converted_share,
    1 - exp(log_remaining / factor) as converted_share_lower,
    1 - exp(log_remaining * factor) as converted_share_upper,
    {{ rate('all_conversions', 'enrollments') }} as plain_share
from spread
