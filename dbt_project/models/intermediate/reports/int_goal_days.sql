-- Grain: one row per goal, source (null: unattributed), channel and calendar day of the workspace: what happened on that day, up
-- to as_of (SEMANTICS, section 10). Each figure is on the day of its own moment: a conversion is not on its enrollment's day.
-- Do not sum conversions over sources: one achievement may convert enrollments of several.
-- Incremental: days from int_recounted_days on are recounted.
{{ config(
    materialized='recompute',
    meta={'recompute_where': "exists (
        select 1 from intermediate.int_recounted_days as recounted
        where recounted.workspace_id = kept.workspace_id and kept.calendar_day >= recounted.first_day
    )"},
) }}

{#- What is counted: the rows, the moment that gives their day, the condition under which they count, and the figures. -#}
{%- set blocks = [
    (ref('fct_impressions'), 'received_at', 'received_at <= as_of', {
        'impressions': "count(*)",
        'not_eligible': "count(case when outcome = 'not_eligible' then 1 end)",
        'already_achieved': "count(case when outcome = 'already_achieved' then 1 end)",
        'already_enrolled': "count(case when outcome = 'already_enrolled' then 1 end)",
        'audience': "count(case when is_first then 1 end)",
    }),
    (ref('fct_enrollments'), 'enrolled_at', 'enrolled_at <= as_of', {
        'enrollments': "count(*)",
        'latest_window_ends_at': "max(coalesce(window_ends_at, " ~ end_of_time() ~ "))",
    }),
    (ref('fct_enrollments'), 'window_ends_at', 'window_ends_at < as_of and enrolled_at <= as_of', {
        'closed_enrollments': "count(*)",
        'closed_conversions': "count(converted_at)",
    }),
    (ref('fct_conversions'), 'converted_at', 'converted_at <= as_of', {
        'conversions': "count(*)",
        'conversion_impact': "sum(impact_value)",
    }),
    (ref('fct_attributions'), 'achieved_at', 'achieved_at <= as_of', {
        'achievers': "count(case when is_first then 1 end)",
        'achievements': "count(*)",
        'impact': "sum(impact_value)",
        'impact_first': "sum(case when is_first then impact_value end)",
    }),
    (ref('int_begun_journeys'), 'begun_at', 'begun_at <= as_of', {
        'journeys': "count(*)",
    }),
    (ref('int_audience_achievers'), 'achiever_since', 'achiever_since <= as_of', {
        'audience_achievers': "count(*)",
    }),
] -%}
{%- set figures = [] -%}
{%- for _, _, _, counts in blocks %}{% do figures.extend(counts.keys()) %}{% endfor %}

with calendars as (

    select
        workspaces.workspace_id,
        workspaces.time_zone,
        recounted.as_of
    from {{ ref('int_workspaces') }} as workspaces
    inner join {{ ref('int_recounted_days') }} as recounted on workspaces.workspace_id = recounted.workspace_id

),

counted as (

    {% for facts, moment, condition, counts in blocks %}
    select
        facts.workspace_id,
        facts.goal_id,
        facts.source_id,
        facts.channel,
        {%- for figure in figures %}
        {{ counts.get(figure, 'null') }} as {{ figure }},
        {%- endfor %}
        {{ calendar_day('facts.' ~ moment, 'calendars.time_zone') }} as calendar_day
    from {{ recounted_rows(facts, moment) }} as facts
    left join {{ ref('int_hours') }} as hours
        on facts.workspace_id = hours.workspace_id and date_trunc('hour', facts.{{ moment }}) = hours.hour_start
    inner join calendars on facts.workspace_id = calendars.workspace_id
    where {{ condition }}
    group by facts.workspace_id, facts.goal_id, facts.source_id, facts.channel, calendar_day
    {% if not loop.last %}union all{% endif %}
    {%- endfor %}

)

select
    counted.workspace_id,
    counted.goal_id,
    counted.source_id,
    counted.channel,
    counted.calendar_day,
    {%- set amounts = ('conversion_impact', 'impact', 'impact_first') %}
    {%- for figure in figures if figure != 'latest_window_ends_at' and figure not in amounts %}
    cast(coalesce(sum(counted.{{ figure }}), 0) as bigint) as {{ figure }},
    {%- endfor %}
    {%- for figure in amounts %}
    coalesce(sum(counted.{{ figure }}), 0) as {{ figure }},
    {%- endfor %}
    max(counted.latest_window_ends_at) as latest_window_ends_at
from counted
inner join {{ ref('int_recounted_days') }} as recounted
    on counted.workspace_id = recounted.workspace_id and counted.calendar_day >= recounted.first_day
group by counted.workspace_id, counted.goal_id, counted.source_id, counted.channel, counted.calendar_day
