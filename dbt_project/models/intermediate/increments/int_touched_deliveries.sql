-- Grain: one row per delivery that the new rows touch: its own row, an engagement of it, or its journey. is_touched_whole: its
-- row, its sending, its failure or its journey is touched, so everything about it is recomputed; false if engagements only add to
-- it. changes_outcome: touched whole, or delivered. engaged_from: the first of the touched engagements.
{{ config(meta={'holds': 'scope'}) }}

with touched_rows as (

    select
        delivery_key,
        1 as is_touched_whole,
        1 as changes_outcome,
        cast(null as timestamp) as engaged_at
    from {{ ref('base_deliveries') }}
    where touched_after = {{ watermark() }} and reason_code is null

    union all

    select
        delivery_key,
        case when metric in ('sent', 'bounced', 'failed', 'dropped', 'undeliverable') then 1 else 0 end as is_touched_whole,
        case
            when metric in ('sent', 'bounced', 'failed', 'dropped', 'undeliverable', 'delivered') then 1 else 0
        end as changes_outcome,
        occurred_at as engaged_at
    from {{ ref('base_engagements') }}
    where touched_after = {{ watermark() }} and reason_code is null

    union all

    select
        deliveries.delivery_key,
        1 as is_touched_whole,
        1 as changes_outcome,
        cast(null as timestamp) as engaged_at
    from {{ ref('base_deliveries') }} as deliveries
    inner join {{ ref('base_journeys') }} as journeys on deliveries.journey_key = journeys.journey_key
    where journeys.touched_after = {{ watermark() }} and journeys.reason_code is null and deliveries.reason_code is null

)

select
    delivery_key,
    max(is_touched_whole) = 1 as is_touched_whole,
    max(changes_outcome) = 1 as changes_outcome,
    min(engaged_at) as engaged_from
from touched_rows
{%- if from_scratch() %}
where false
{%- endif %}
group by delivery_key
