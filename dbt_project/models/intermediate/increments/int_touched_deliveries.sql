-- Grain: one row per delivery that the new rows touch: its own row, an engagement of it, or its journey. is_touched_whole: more
-- than an engagement that adds to it, so that everything about it is recomputed (its row, its sending, its failure, its journey).
-- changes_outcome: that, or it was delivered. engaged_from: the first of the touched engagements; of a delivery that is touched
-- whole the first of all, since that changes what they reached.
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

),

touched as (

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

),

first_engagements as (

    select
        engagements.delivery_key,
        min(engagements.occurred_at) as first_engaged_at
    from {{ ref('base_engagements') }} as engagements
    inner join touched on engagements.delivery_key = touched.delivery_key
    where touched.is_touched_whole and engagements.reason_code is null
    group by engagements.delivery_key

)

select
    touched.delivery_key,
    touched.is_touched_whole,
    touched.changes_outcome,
    least(touched.engaged_from, first_engagements.first_engaged_at) as engaged_from
from touched
left join first_engagements on touched.delivery_key = first_engagements.delivery_key
