-- Grain: one row per achievement and qualifying delivery, numbered in time, with its credit under each attribution model
-- (SEMANTICS, section 8). The credits of one achievement sum to exactly 1 in every model.
-- A view of what this run computes, with the texts of the delivery; fct_touches adds those of the achievement.
{{ config(materialized='view', meta={'holds': 'increment'}) }}

{%- set in_time -%}
partition by profile_key, rule_number, achievement_number
order by touch_at asc nulls last, sent_at asc nulls last, delivery_id asc nulls last
{%- endset %}
with weighed as (

    select
        touches.*,
        deliveries.delivery_id,
        deliveries.source_id,
        deliveries.journey_id,
        deliveries.message_id,
        deliveries.channel,
        -- The weight halves with every half-life. As an exact decimal, its sum does not depend on the order of the rows.
        cast(
            power(
                cast(2 as double),
                -{{ elapsed_microseconds('touch_at', 'achieved_at') }} / cast({{ half_life_microseconds() }} as double)
            )
            as decimal(38, 20)
        ) as decay_weight
    from {{ ref('int_touches') }} as touches
    inner join {{ ref('stg_deliveries') }} as deliveries on touches.delivery_key = deliveries.delivery_key

),

-- Both windows have one order, so that DuckDB sorts once.
touches as (

    select
        *,
        row_number() over touches_in_time as touch_number,
        count(*) over all_touches as touches,
        sum(decay_weight) over all_touches as decay_weights
    from weighed
    window
        touches_in_time as ({{ in_time }}),
        all_touches as ({{ in_time }} rows between unbounded preceding and unbounded following)

),

shares as (

    select
        *,
        cast(round(cast(1 as double) / touches, 12) as decimal(18, 12)) as share_linear,
        cast(
            case
                when touches = 1 then 1
                when touches = 2 then 0.5
                when touch_number = 1 then {{ var('position_credit_first') }}
                when touch_number = touches then {{ var('position_credit_last') }}
                else round(cast({{ position_credit_between() }} as double) / (touches - 2), 12)
            end as decimal(18, 12)
        ) as share_position,
        cast(round(cast(decay_weight as double) / cast(decay_weights as double), 12) as decimal(18, 12)) as share_time_decay
    from touches

)

select
    profile_key,
    rule_number,
    achievement_number,
    delivery_id,
    source_id,
    journey_id,
    message_id,
    channel,
    touch_metric,
    touch_at,
    touch_number,
    touches,
    cast(case when touch_number = 1 then 1 else 0 end as decimal(18, 12)) as credit_first,
    cast(case when touch_number = touches then 1 else 0 end as decimal(18, 12)) as credit_last,
    -- The remainder goes to the last touch.
    {{ credit('linear') }} as credit_linear,
    {{ credit('position') }} as credit_position,
    {{ credit('time_decay') }} as credit_time_decay
from shares
