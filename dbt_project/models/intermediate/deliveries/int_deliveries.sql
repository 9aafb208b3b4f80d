-- Grain: one row per delivery, with the moment at which it was sent: as its row says, else as its first `sent` engagement does,
-- else null: it never left (SEMANTICS, section 2). THE place that decides it: whoever asks when a delivery was sent reads this.
{{ config(materialized='view') }}

select
    deliveries.workspace_id,
    deliveries.delivery_id,
    deliveries.profile_id,
    deliveries.source_id,
    deliveries.journey_id,
    deliveries.message_id,
    deliveries.delivery_key,
    deliveries.profile_key,
    deliveries.journey_key,
    deliveries.source_type,
    deliveries.channel,
    deliveries.is_anonymous,
    deliveries.is_holdout,
    deliveries.sent_at as row_sent_at,
    coalesce(deliveries.sent_at, reported.first_sent_at) as sent_at
from {{ ref('stg_deliveries') }} as deliveries
left join {{ ref('int_reported_sends') }} as reported
    on case when deliveries.sent_at is null then deliveries.delivery_key end = reported.delivery_key
