-- Grain: one row per goal, source (null: unattributed), channel and calendar day of the workspace: what happened on that day, up to
-- as_of (SEMANTICS, section 10). Each figure lies on the day of its own moment, so a conversion on another day than its enrollment.
-- Figures may be summed over days, but only over sources and channels where a report says so.
-- Incremental: days from int_recounted_days on are counted anew.
{{ config(
    materialized='incremental', incremental_strategy='recompute', on_schema_change='fail',
    meta={'recompute_where': "kept.day >= (
        select recounted.first_day from intermediate.int_recounted_days as recounted
        where recounted.workspace_id = kept.workspace_id
    )"},
) }}

{#- What is counted: the rows, the moment whose day they count on, when they count, and the figures. -#}
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
    }),
    (ref('fct_attributions'), 'achieved_at', 'achieved_at <= as_of', {
        'achievers': "count(case when is_first then 1 end)",
        'achievements': "count(*)",
        'impact': "sum(impact_value)",
        'impact_first': "sum(case when is_first then impact_value end)",
    }),
    ('journeys', 'begun_at', 'begun_at <= as_of', {
        'journeys': "count(*)",
    }),
    ('audience_achievers', 'in_audience_since', 'in_audience_since <= as_of', {
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

-- The first impression of each journey with the goal and source. A journey that several people have is one all the same.
numbered_in_journey as (

    select
        *,
        row_number() over (
            partition by workspace_id, goal_id, source_id, journey_id
            order by received_at asc nulls last, delivery_id asc nulls last
        ) as number_in_journey
    from {{ recounted_rows(ref('fct_impressions'), 'received_at') }} as impressions
    where journey_id is not null

),

journeys as (

    select
        firsts.workspace_id,
        firsts.goal_id,
        firsts.source_id,
        firsts.channel,
        firsts.received_at as begun_at
    from numbered_in_journey as firsts
    where
        firsts.number_in_journey = 1
        {%- if not from_scratch() %}
        and not exists (
            select 1 from {{ ref('fct_impressions') }} as earlier
            where
                earlier.workspace_id = firsts.workspace_id
                and earlier.goal_id = firsts.goal_id
                and earlier.source_id = firsts.source_id
                and earlier.journey_id = firsts.journey_id
                and earlier.received_at < firsts.received_at
        )
        {%- endif %}

),

-- Achievers with an impression of the goal, as soon as they have both; by the source and channel of the first impression.
audience_achievers as (

    select
        impressions.workspace_id,
        impressions.goal_id,
        impressions.source_id,
        impressions.channel,
        impressions.received_at as in_audience_since
    from {{ recounted_rows(ref('fct_impressions'), 'received_at') }} as impressions
    inner join {{ ref('fct_achievements') }} as achievements
        on impressions.profile_key = achievements.profile_key and impressions.goal_id = achievements.goal_id
    where impressions.is_first and achievements.is_first and achievements.achieved_at <= impressions.received_at

    union all

    select
        impressions.workspace_id,
        impressions.goal_id,
        impressions.source_id,
        impressions.channel,
        achievements.achieved_at as in_audience_since
    from {{ recounted_rows(ref('fct_achievements'), 'achieved_at') }} as achievements
    inner join {{ ref('fct_impressions') }} as impressions
        on achievements.profile_key = impressions.profile_key and achievements.goal_id = impressions.goal_id
    where achievements.is_first and impressions.is_first and impressions.received_at < achievements.achieved_at

),

counted as (
{% for facts, moment, condition, counts in blocks %}
    select
        facts.workspace_id,
        facts.goal_id,
        facts.source_id,
        facts.channel,
        cast({{ local_time('facts.' ~ moment, 'calendars.time_zone') }} as date) as day,
        {%- for figure in figures %}
        {{ counts.get(figure, 'null') }} as {{ figure }}{{ ',' if not loop.last }}
        {%- endfor %}
    from {{ facts if facts is string else recounted_rows(facts, moment) }} as facts
    inner join calendars on facts.workspace_id = calendars.workspace_id
    where {{ condition }}
    group by 1, 2, 3, 4, 5
    {{ 'union all' if not loop.last }}
{%- endfor %}

)

select
    counted.workspace_id,
    counted.goal_id,
    counted.source_id,
    counted.channel,
    counted.day,
    {%- for figure in figures if figure not in ('latest_window_ends_at', 'impact', 'impact_first') %}
    cast(coalesce(sum(counted.{{ figure }}), 0) as bigint) as {{ figure }},
    {%- endfor %}
    coalesce(sum(counted.impact), 0) as impact,
    coalesce(sum(counted.impact_first), 0) as impact_first,
    max(counted.latest_window_ends_at) as latest_window_ends_at
from counted
inner join {{ ref('int_recounted_days') }} as recounted
    on counted.workspace_id = recounted.workspace_id and counted.day >= recounted.first_day
group by counted.workspace_id, counted.goal_id, counted.source_id, counted.channel, counted.day
