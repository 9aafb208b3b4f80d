-- Customer.io, warehouse export: https://docs.customer.io/integrations/data-out/data-warehouses/data-warehouses-intro.md
-- files: deliveries_v*
-- Not needed: event_id, created_at (a delivery may never be sent: metrics say when it was)
select
    field(record, 'workspace_id') as workspace_id,
    field(record, 'delivery_id') as delivery_id,
    field(record, 'internal_customer_id') as profile_id,
    case
        when nullif(field(record, 'transactional_message_id'), '0') is not null then 'transactional'
        when nullif(field(record, 'trigger_id'), '0') is not null then 'api_triggered_broadcast'
        when nullif(field(record, 'newsletter_id'), '0') is not null then 'broadcast'
        else 'campaign'
    end as source_type,
    -- Campaigns and newsletters are numbered apart.
    coalesce(
        'campaign-' || nullif(field(record, 'campaign_id'), '0'),
        'broadcast-' || nullif(field(record, 'newsletter_id'), '0'),
        'transactional-' || nullif(field(record, 'transactional_message_id'), '0')
    ) as source_id,
    field(record, 'subject_id') as journey_id,
    coalesce(nullif(field(record, 'action_id'), '0'), nullif(field(record, 'content_id'), '0')) as message_id,
    case field(record, 'delivery_type') when 'twilio' then 'sms' else field(record, 'delivery_type') end as channel,
    -- The export does not say which messages were trapped for a holdout. Their variation is a message of its own: name the ids of
    -- such actions here, in a copy of this file in GOALPOST_ADAPTERS (docs/feeds.md).
    coalesce(field(record, 'action_id') in (''), false) as is_holdout,
    field(record, 'seq_num') as sequence
from file
