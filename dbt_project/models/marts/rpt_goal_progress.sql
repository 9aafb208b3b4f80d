-- Grain: one row per goal, period (day, week from Monday, month; calendar of the workspace), period_start, source and
-- channel of the credited touch (null: unattributed). Every series runs from its first achievement to as_of without a gap.
-- People are counted on the day of their first achievement, so periods of one kind may be summed; do not add days to
-- weeks.
with days as (

    {{ goal_days_until_now('goal_days.achievements > 0') }}

),

counted as (

    {{ by_period('days', ['achievers', 'achievements', 'impact', 'impact_first']) }}

),

summed as (

    select
        workspace_id,
        goal_id,
        period,
        period_start,
        source_id,
        channel,
        cast(sum(achievers) as bigint) as achievers,
        cast(sum(achievements) as bigint) as achievements,
        sum(impact) as impact,
        sum(impact_first) as impact_first
    from counted
    group by workspace_id, goal_id, period, period_start, source_id, channel

)

select
    *,
    cast(sum(achievers) over series_so_far as bigint) as running_achievers,
    cast(sum(achievements) over series_so_far as bigint) as running_achievements,
    sum(impact) over series_so_far as running_impact
from summed
window series_so_far as (
    partition by workspace_id, goal_id, period, source_id, channel
    order by period_start asc nulls last
    rows between unbounded preceding and current row
)
