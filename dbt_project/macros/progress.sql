{#
    Figures of days as figures of each period: day, week from Monday, month. Every series (goal, source, channel) has every period from
    its first day to the day that it ends on; where nothing happened the figures are 0. `days` is a relation with calendar_day and
    ends_on, the day of as_of in the workspace.
#}
{% macro by_period(days, figures) -%}
{%- for period in ['day', 'week', 'month'] %}
    select
        workspace_id,
        goal_id,
        source_id,
        channel,
        '{{ period }}' as period,
        cast(date_trunc('{{ period }}', calendar_day) as date) as period_start,
        {{ figures | join(', ') }}
    from {{ days }}

    union all

    select
        workspace_id,
        goal_id,
        source_id,
        channel,
        '{{ period }}' as period,
        {{ goalpost.one_row_a_period(
            "date_trunc('" ~ period ~ "', min(calendar_day))", "date_trunc('" ~ period ~ "', max(ends_on))", period
        ) }} as period_start,
        {% for figure in figures %}0 as {{ figure }}{{ ', ' if not loop.last }}{% endfor %}
    from {{ days }}
    group by workspace_id, goal_id, source_id, channel
    {{ 'union all' if not loop.last }}
{%- endfor %}
{%- endmacro %}


{# The days of int_goal_days that meet a condition, each with the day of as_of in its workspace. #}
{% macro goal_days_until_now(condition) -%}
    select
        goal_days.*,
        {{ goalpost.local_time('clock.as_of', 'workspaces.time_zone') }} as ends_on
    from {{ ref('int_goal_days') }} as goal_days
    inner join {{ ref('int_workspaces') }} as workspaces on goal_days.workspace_id = workspaces.workspace_id
    cross join {{ source('control', 'clock') }} as clock
    where {{ condition }}
{%- endmacro %}
