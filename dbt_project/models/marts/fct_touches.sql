-- Grain: one row per achievement and qualifying delivery, numbered in time, with its credit under each attribution model
-- (SEMANTICS, section 8). The credits of one achievement sum to exactly 1 in every model; do not sum touches over goals.
-- Incremental: the touches of achievements that are computed anew.
-- depends_on: {{ ref('int_affected_profiles') }}
{{ config(materialized='recompute', meta={'recompute_from': 'achieved_at'}) }}

with touches as (

    select
        *,
        row_number() over (
            partition by achievement_id
            order by touch_at asc nulls last, sent_at asc nulls last, delivery_id asc nulls last
        ) as touch_number,
        count(*) over (partition by achievement_id) as touches,
        -- The weight halves with every 7 days. As an exact decimal, its sum does not depend on the order of the rows.
        cast(
            power(cast(2 as double), -{{ elapsed_microseconds('touch_at', 'achieved_at') }} / cast(604800000000 as double))
            as decimal(38, 20)
        ) as decay_weight
    from {{ ref('int_touches') }}

),

shares as (

    select
        *,
        cast(case when touch_number = 1 then 1 else 0 end as decimal(18, 12)) as share_first,
        cast(case when touch_number = touches then 1 else 0 end as decimal(18, 12)) as share_last,
        cast(round(cast(1 as double) / touches, 12) as decimal(18, 12)) as share_linear,
        cast(
            case
                when touches = 1 then 1
                when touches = 2 then 0.5
                when touch_number in (1, touches) then 0.4
                else round(cast(0.2 as double) / (touches - 2), 12)
            end as decimal(18, 12)
        ) as share_position,
        cast(
            round(
                cast(decay_weight as double) / cast(sum(decay_weight) over (partition by achievement_id) as double), 12
            ) as decimal(18, 12)
        ) as share_time_decay
    from touches

)

select
    workspace_id,
    goal_id,
    goal_version,
    profile_id,
    source_id,
    journey_id,
    delivery_id,
    message_id,
    channel,
    achievement_id,
    achieved_at,
    touch_metric,
    touch_at,
    touch_number,
    touches,
    -- The remainder goes to the last touch.
    {{ credit('first') }} as credit_first,
    {{ credit('last') }} as credit_last,
    {{ credit('linear') }} as credit_linear,
    {{ credit('position') }} as credit_position,
    {{ credit('time_decay') }} as credit_time_decay,
    profile_key
from shares
