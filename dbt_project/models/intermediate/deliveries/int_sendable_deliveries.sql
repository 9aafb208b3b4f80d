-- Grain: one row per sendable delivery (SEMANTICS, section 7): it was sent, to a known person who is not held out, from a
-- campaign or broadcast, on an attributable channel. A webhook is sendable only for goals that opted its message in
-- (needs_opt_in). Has keys, moments and the columns that rules read; the ids of the delivery, its profile and its journey are in
-- stg_deliveries.
-- Incremental: deliveries whose outcome new rows can change are recomputed.
{{ config(
    materialized='recompute',
    meta={'recompute_where': 'kept.delivery_key in (
        select delivery_key from intermediate.int_touched_deliveries where changes_outcome
    )'},
) }}
{%- set touched = ref('int_touched_deliveries') %}
{%- set touched_keys = '(select delivery_key from ' ~ touched ~ ' where changes_outcome)' %}
{%- set is_touched = 'true' if from_scratch() else 'delivery_key in ' ~ touched_keys %}
{%- set is_recent = 'true' if from_scratch() else
    '(row_sent_at >= ' ~ earliest_touched_send() ~ ' or row_sent_at is null)' %}

with deliveries as (

    select * from {{ ref('int_deliveries') }}
    where
        {{ together("sent_at is not null and not is_anonymous and not is_holdout and source_type in ('campaign', 'broadcast')") }}
        and {{ is_touched }}
        and {{ is_recent }}

),

-- The outcome of each delivery: did it fail, and when was it first delivered?
outcomes as (

    select
        delivery_key,
        max(case when metric in ('bounced', 'failed', 'dropped', 'undeliverable') then 1 else 0 end) = 1 as has_failed,
        min(case when metric = 'delivered' then occurred_at end) as first_delivered_at
    from {{ ref('stg_engagements') }}
    where
        metric in ('bounced', 'failed', 'dropped', 'undeliverable', 'delivered')
        and {{ is_touched }}
    group by delivery_key

)

select
    deliveries.workspace_id,
    deliveries.source_id,
    deliveries.message_id,
    deliveries.channel,
    deliveries.delivery_key,
    deliveries.profile_key,
    deliveries.journey_key,
    deliveries.sent_at,
    outcomes.first_delivered_at,
    greatest(deliveries.sent_at, outcomes.first_delivered_at) as latest_moment,
    channels.attributable = 'opt_in' as needs_opt_in,
    not coalesce(outcomes.has_failed, false) as is_received,

    -- A journey of another profile than the delivery's counts as not landed.
    journeys.journey_key as landed_journey_key,
    coalesce(journeys.entered_at, deliveries.sent_at) as entered_at
from deliveries
inner join {{ ref('channels') }} as channels
    on deliveries.channel = channels.channel and channels.attributable in ('yes', 'opt_in')
left join outcomes on deliveries.delivery_key = outcomes.delivery_key
left join {{ ref('stg_journeys') }} as journeys
    on deliveries.journey_key = journeys.journey_key and deliveries.profile_key = journeys.profile_key
{%- if from_scratch() %}
-- In order of time, so that a later run can skip earlier row groups.
order by deliveries.sent_at
{%- endif %}
