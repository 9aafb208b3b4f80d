-- Grain: one row per goal, period (day, week from Monday, month; calendar of the workspace), period_start, source and
-- channel of the credited touch (null: unattributed). Every series runs from its first achievement to as_of without a gap.
-- People are counted on the day of their first achievement, so periods of one kind may be summed; do not add days to
-- weeks.
-- Incremental: periods are recomputed, starting with the one that contains first_day of int_recounted_days.
{{ config(materialized='recompute', meta={'recompute_where': recounted_periods()}) }}

with by_period as (

    {{ progress(
        'goal_days.achievements > 0',
        ['achievers', 'achievements', 'impact', 'impact_first'],
        before={'achievers': 'running_achievers', 'achievements': 'running_achievements', 'impact': 'running_impact'},
    ) }}

),

ran_up as (

    select
        *,
        sum(achievers) over series_so_far as running_achievers,
        sum(achievements) over series_so_far as running_achievements,
        sum(impact) over series_so_far as running_impact
    from by_period
    window series_so_far as (
        partition by workspace_id, goal_id, period, source_id, channel
        order by period_start asc nulls last
        rows between unbounded preceding and current row
    )

)

select
    workspace_id,
    goal_id,
    period,
    period_start,
    source_id,
    channel,
    cast(achievers as bigint) as achievers,
    cast(achievements as bigint) as achievements,
    impact,
    impact_first,
    cast(running_achievers as bigint) as running_achievers,
    cast(running_achievements as bigint) as running_achievements,
    running_impact,
    currency
from ran_up
where not is_kept
