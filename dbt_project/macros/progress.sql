{#
    Figures of int_goal_days by period (day, week from Monday, month) of the workspace's calendar. Every series (goal, source, channel)
    has every period from its first day that meets the condition to the day of as_of; a period in which nothing happened has 0.

    A report that asks for it keeps the periods before the one in which first_day of int_recounted_days lies (recounted_periods), and
    computes those from it on. `before`: for each figure the column of the report that has its sum so far, or 0. The last kept period
    of a series comes back with these figures and is_kept; so sums that run on begin with it.
#}
{% macro progress(condition, figures, before={}) -%}
{%- set periods = ['day', 'week', 'month'] -%}
with calendars as (

        select
            workspaces.workspace_id,
            {{ 'recounted.first_day' if not goalpost.from_scratch() else 'cast(' ~ goalpost.beginning_of_time() ~ ' as date)' }} as first_day,
            {{ goalpost.local_time('recounted.as_of', 'workspaces.time_zone') }} as ends_on
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
            {%- for figure in figures %}
            sum(goal_days.{{ figure }}) as {{ figure }}{{ ',' if not loop.last }}
            {%- endfor %}
        from {{ ref('int_goal_days') }} as goal_days
        inner join calendars
            on
                goal_days.workspace_id = calendars.workspace_id
                and goal_days.calendar_day >= date_trunc('{{ period }}', calendars.first_day)
        where {{ condition }}
        group by goal_days.workspace_id, goal_days.goal_id, goal_days.source_id, goal_days.channel, period_start
        {{ 'union all' if not loop.last }}
        {%- endfor %}
        {%- if not goalpost.from_scratch() %}

        union all

        select
            kept.workspace_id,
            kept.goal_id,
            kept.source_id,
            kept.channel,
            kept.period,
            kept.period_start,
            {%- for figure in figures %}
            {{ 'kept.' ~ before[figure] if figure in before else '0' }} as {{ figure }}{{ ',' if not loop.last }}
            {%- endfor %}
        from {{ this }} as kept
        inner join calendars
            on
                kept.workspace_id = calendars.workspace_id
                and kept.period_start = date_trunc(kept.period, date_trunc(kept.period, calendars.first_day) - interval '1' day)
        {%- endif %}

    ),

    with_empty_periods as (

        select * from counted
        {% for period in periods %}
        union all
        select
            counted.workspace_id,
            counted.goal_id,
            counted.source_id,
            counted.channel,
            '{{ period }}' as period,
            {{ goalpost.one_row_a_period('min(counted.period_start)', "date_trunc('" ~ period ~ "', max(calendars.ends_on))", period) }}
                as period_start,
            {% for figure in figures %}0 as {{ figure }}{{ ', ' if not loop.last }}{% endfor %}
        from counted
        inner join calendars on counted.workspace_id = calendars.workspace_id
        where counted.period = '{{ period }}'
        group by counted.workspace_id, counted.goal_id, counted.source_id, counted.channel
        {%- endfor %}

    ),

    by_period as (

        select
            workspace_id,
            goal_id,
            source_id,
            channel,
            period,
            period_start,
            {%- for figure in figures %}
            sum({{ figure }}) as {{ figure }}{{ ',' if not loop.last }}
            {%- endfor %}
        from with_empty_periods
        group by workspace_id, goal_id, source_id, channel, period, period_start

    )

    select
        by_period.*,
        currencies.currency,
        by_period.period_start < date_trunc(by_period.period, calendars.first_day) as is_kept
    from by_period
    inner join calendars on by_period.workspace_id = calendars.workspace_id
    left join {{ ref('int_goal_currencies') }} as currencies
        on by_period.workspace_id = currencies.workspace_id and by_period.goal_id = currencies.goal_id
{%- endmacro %}


{# meta.recompute_where of such a report: the periods from the one on in which first_day lies. #}
{% macro recounted_periods() -%}
exists (
        select 1 from intermediate.int_recounted_days as recounted
        where recounted.workspace_id = kept.workspace_id and kept.period_start >= date_trunc(kept.period, recounted.first_day)
    )
{%- endmacro %}
