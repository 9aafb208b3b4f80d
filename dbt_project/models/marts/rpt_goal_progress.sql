-- Grain: one row per goal, period (day, week from Monday, month; calendar of the workspace), period_start, source and
-- channel of the credited touch (null: unattributed). Every series runs from its first achievement to as_of without a gap.
-- People are counted on the day of their first achievement, so periods of one kind may be summed; do not add days to
-- weeks.
with calendars as (

    select
        workspaces.workspace_id,
        {{ local_time('clock.as_of', 'workspaces.time_zone') }} as ends_on
    from {{ ref('int_workspaces') }} as workspaces
    cross join {{ source('control', 'clock') }} as clock

),

achievement_days as (

    select
        goal_days.workspace_id,
        goal_days.goal_id,
        goal_days.source_id,
        goal_days.channel,
        goal_days.calendar_day,
        goal_days.achievers,
        goal_days.achievements,
        goal_days.impact,
        goal_days.impact_first,
        calendars.ends_on
    from {{ ref('int_goal_days') }} as goal_days
    inner join calendars on goal_days.workspace_id = calendars.workspace_id
    where goal_days.achievements > 0

),
{% for period in ['day', 'week', 'month'] %}
{{ period }}s as (

    select
        workspace_id,
        goal_id,
        source_id,
        channel,
        '{{ period }}' as period,
        {{ one_row_a_period(
            "date_trunc('" ~ period ~ "', min(calendar_day))", "date_trunc('" ~ period ~ "', max(ends_on))", period
        ) }} as period_start
    from achievement_days
    group by workspace_id, goal_id, source_id, channel

),

achievements_by_{{ period }} as (

    select
        workspace_id,
        goal_id,
        source_id,
        channel,
        '{{ period }}' as period,
        cast(date_trunc('{{ period }}', calendar_day) as date) as period_start,
        sum(achievers) as achievers,
        sum(achievements) as achievements,
        sum(impact) as impact,
        sum(impact_first) as impact_first
    from achievement_days
    group by workspace_id, goal_id, source_id, channel, date_trunc('{{ period }}', calendar_day)

),
{% endfor %}
series as (

    select * from days
    union all
    select * from weeks
    union all
    select * from months

),

counted as (

    select * from achievements_by_day
    union all
    select * from achievements_by_week
    union all
    select * from achievements_by_month

),

filled as (

    select
        series.workspace_id,
        series.goal_id,
        series.period,
        series.period_start,
        series.source_id,
        series.channel,
        cast(coalesce(counted.achievers, 0) as bigint) as achievers,
        cast(coalesce(counted.achievements, 0) as bigint) as achievements,
        coalesce(counted.impact, 0) as impact,
        coalesce(counted.impact_first, 0) as impact_first
    from series
    left join counted
        on
            series.workspace_id = counted.workspace_id
            and series.goal_id = counted.goal_id
            and series.source_id is not distinct from counted.source_id
            and series.channel is not distinct from counted.channel
            and series.period = counted.period
            and series.period_start = counted.period_start

)

select
    *,
    cast(sum(achievers) over series_so_far as bigint) as running_achievers,
    cast(sum(achievements) over series_so_far as bigint) as running_achievements,
    sum(impact) over series_so_far as running_impact
from filled
window series_so_far as (
    partition by workspace_id, goal_id, period, source_id, channel
    order by period_start asc nulls last
    rows between unbounded preceding and current row
)
