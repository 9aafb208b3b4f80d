-- Grain: one row per goal, period (day, week from Monday, month; calendar of the workspace), period_start, source and channel of the
-- impression. Every series runs from its first impression to as_of without a gap. Each figure lies on the day of its own moment: a
-- conversion on the day it happened, not on its enrollment's (rpt_goal_cohorts has these). Periods of one kind may be summed; do not
-- add days to weeks. One achievement may convert several enrollments: conversions and their impact are no sum of sales.
with days as (

    {{ goal_days_until_now('goal_days.impressions + goal_days.enrollments + goal_days.conversions > 0') }}

),

counted as (

    {{ by_period('days', ['impressions', 'enrollments', 'conversions', 'conversion_impact']) }}

)

select
    workspace_id,
    goal_id,
    period,
    period_start,
    source_id,
    channel,
    cast(sum(impressions) as bigint) as impressions,
    cast(sum(enrollments) as bigint) as enrollments,
    cast(sum(conversions) as bigint) as conversions,
    sum(conversion_impact) as impact
from counted
group by workspace_id, goal_id, period, period_start, source_id, channel
