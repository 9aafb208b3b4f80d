-- Grain: one row per delivery whose own row has no sent_at, but that has `sent` engagements: the first of them is when it
-- was sent (SEMANTICS, section 2).
-- Incremental: deliveries that the new rows touch as a whole are recomputed.
{{ config(
    materialized='recompute',
    meta={'recompute_where': 'kept.delivery_key in (
        select delivery_key from intermediate.int_touched_deliveries where is_touched_whole
    )'},
) }}
{%- set touched = ref('int_touched_deliveries') %}
{%- set is_touched = 'true' if from_scratch() else
    'deliveries.delivery_key in (select delivery_key from ' ~ touched ~ ' where is_touched_whole)' %}

select
    deliveries.delivery_key,
    min(engagements.occurred_at) as first_sent_at
from {{ ref('stg_deliveries') }} as deliveries
inner join {{ ref('stg_engagements') }} as engagements on deliveries.delivery_key = engagements.delivery_key
where deliveries.sent_at is null and engagements.metric = 'sent' and {{ is_touched }}
group by deliveries.delivery_key
