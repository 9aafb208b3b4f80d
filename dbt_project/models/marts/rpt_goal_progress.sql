-- Grain: one row per goal, period (day, week from Monday, month; calendar of the workspace), period_start, source and
-- channel of the credited touch (null: unattributed). Every series runs from its first achievement to as_of without a gap.
-- People are counted on the day of their first achievement, so periods of one kind may be summed; do not add days to
-- weeks.
-- Incremental: periods are recomputed from the one on in which first_day of int_recounted_days lies.
{{ config(
    materialized='recompute',
    meta={'recompute_where': "kept.period_start >= (
        select date_trunc(kept.period, recounted.first_day) from intermediate.int_recounted_days as recounted
        where recounted.workspace_id = kept.workspace_id
    )"},
) }}
{%- set periods = ['day', 'week', 'month'] %}

with calendars as (

    select
        workspaces.workspace_id,
        {{ 'recounted.first_day' if not from_scratch() else 'cast(' ~ beginning_of_time() ~ ' as date)' }} as first_day,
        {{ local_time('recounted.as_of', 'workspaces.time_zone') }} as ends_on
    from {{ ref('int_workspaces') }} as workspaces
    inner join {{ ref('int_recounted_days') }} as recounted on workspaces.workspace_id = recounted.workspace_id

),

counted as (

    {% for period in periods %}
    select
        goal_days.workspace_id,
        goal_days.goal_id,
        goal_days.source_id,
        goal_days.channel,
        '{{ period }}' as period,
        cast(date_trunc('{{ period }}', goal_days.calendar_day) as date) as period_start,
        sum(goal_days.achievers) as achievers,
        sum(goal_days.achievements) as achievements,
        sum(goal_days.impact) as impact,
        sum(goal_days.impact_first) as impact_first
    from {{ ref('int_goal_days') }} as goal_days
    inner join calendars
        on
            goal_days.workspace_id = calendars.workspace_id
            and goal_days.calendar_day >= date_trunc('{{ period }}', calendars.first_day)
    where goal_days.achievements > 0
    group by goal_days.workspace_id, goal_days.goal_id, goal_days.source_id, goal_days.channel, period_start
    {% if not loop.last %}union all{% endif %}
    {%- endfor %}
    {%- if not from_scratch() %}

    -- The last kept period of a series stands for all before it: its figures are what they have run up to.
    union all

    select
        kept.workspace_id,
        kept.goal_id,
        kept.source_id,
        kept.channel,
        kept.period,
        kept.period_start,
        kept.running_achievers as achievers,
        kept.running_achievements as achievements,
        kept.running_impact as impact,
        0 as impact_first
    from {{ this }} as kept
    inner join calendars
        on
            kept.workspace_id = calendars.workspace_id
            and kept.period_start = date_trunc(kept.period, date_trunc(kept.period, calendars.first_day) - interval '1' day)
    {%- endif %}

),

series as (

    {% for period in periods %}
    select
        counted.workspace_id,
        counted.goal_id,
        counted.source_id,
        counted.channel,
        counted.period,
        {{ one_row_a_period('min(counted.period_start)', "date_trunc('" ~ period ~ "', max(calendars.ends_on))", period) }}
            as period_start
    from counted
    inner join calendars on counted.workspace_id = calendars.workspace_id
    where counted.period = '{{ period }}'
    group by counted.workspace_id, counted.goal_id, counted.source_id, counted.channel, counted.period
    {% if not loop.last %}union all{% endif %}
    {%- endfor %}

),

ran_up as (

    select
        series.*,
        counted.achievers,
        counted.achievements,
        counted.impact,
        counted.impact_first,
        sum(counted.achievers) over series_so_far as running_achievers,
        sum(counted.achievements) over series_so_far as running_achievements,
        sum(counted.impact) over series_so_far as running_impact
    from series
    left join counted
        on
            series.workspace_id = counted.workspace_id
            and series.goal_id = counted.goal_id
            and series.source_id is not distinct from counted.source_id
            and series.channel is not distinct from counted.channel
            and series.period = counted.period
            and series.period_start = counted.period_start
    window series_so_far as (
        partition by series.workspace_id, series.goal_id, series.period, series.source_id, series.channel
        order by series.period_start asc nulls last
        rows between unbounded preceding and current row
    )

)

select
    ran_up.workspace_id,
    ran_up.goal_id,
    ran_up.period,
    ran_up.period_start,
    ran_up.source_id,
    ran_up.channel,
    cast(coalesce(ran_up.achievers, 0) as bigint) as achievers,
    cast(coalesce(ran_up.achievements, 0) as bigint) as achievements,
    coalesce(ran_up.impact, 0) as impact,
    coalesce(ran_up.impact_first, 0) as impact_first,
    cast(ran_up.running_achievers as bigint) as running_achievers,
    cast(ran_up.running_achievements as bigint) as running_achievements,
    ran_up.running_impact
from ran_up
inner join calendars
    on
        ran_up.workspace_id = calendars.workspace_id
        and ran_up.period_start >= date_trunc(ran_up.period, calendars.first_day)
