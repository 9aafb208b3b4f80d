-- Grain: one row per goal, period (day, week from Monday, month; calendar of the workspace), period_start, source and channel of
-- the impression. Every series runs from its first impression to as_of without a gap. Each figure is on the day of its own
-- moment: a conversion is not on its enrollment's day (rpt_goal_cohorts counts by that). Periods of one kind may be summed; do
-- not add days to weeks. One achievement may convert several enrollments: conversions and their impact are no sum of sales.
-- Incremental: periods are recomputed, starting with the one that contains first_day of int_recounted_days.
{{ config(materialized='recompute', meta={'recompute_where': recounted_periods()}) }}

with by_period as (

    {{ progress(
        'goal_days.impressions + goal_days.enrollments + goal_days.conversions > 0',
        ['impressions', 'enrollments', 'conversions', 'conversion_impact'],
    ) }}

)

select
    workspace_id,
    goal_id,
    period,
    period_start,
    source_id,
    channel,
    cast(impressions as bigint) as impressions,
    cast(enrollments as bigint) as enrollments,
    cast(conversions as bigint) as conversions,
    conversion_impact as impact,
    currency
from by_period
where not is_kept
