-- Grain: one row per delivery that the new rows touch: its own row, an engagement of it, or its journey. is_touched_whole: more
-- than an engagement that adds to it, so that everything about it is recomputed (its row, its sending, its failure, its
-- journey). changes_outcome: that, or it was delivered.
{{ config(meta={'holds': 'scope'}) }}

with touched as (

    select
        delivery_key,
        1 as is_touched_whole,
        1 as changes_outcome
    from {{ ref('base_deliveries') }}
    where touched_after = {{ watermark() }} and reason_code is null

    union all

    select
        delivery_key,
        case when metric in ('sent', 'bounced', 'failed', 'dropped', 'undeliverable') then 1 else 0 end as is_touched_whole,
        case
            when metric in ('sent', 'bounced', 'failed', 'dropped', 'undeliverable', 'delivered') then 1 else 0
        end as changes_outcome
    from {{ ref('base_engagements') }}
    where touched_after = {{ watermark() }} and reason_code is null

    union all

    select
        deliveries.delivery_key,
        1 as is_touched_whole,
        1 as changes_outcome
    from {{ ref('base_deliveries') }} as deliveries
    inner join {{ ref('base_journeys') }} as journeys on deliveries.journey_key = journeys.journey_key
    where journeys.touched_after = {{ watermark() }} and journeys.reason_code is null and deliveries.reason_code is null

)

select
    delivery_key,
    max(is_touched_whole) = 1 as is_touched_whole,
    max(changes_outcome) = 1 as changes_outcome
from touched
{%- if from_scratch() %}
where false
{%- endif %}
group by delivery_key
