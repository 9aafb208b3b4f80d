-- Customer.io, reporting webhooks: https://docs.customer.io/integrations/api/webhooks
-- files: *
-- Not needed: event_id
select
    field(record, '$.data.delivery_id') as delivery_id,
    coalesce(
        field(record, '$.data.identifiers.id'), field(record, '$.data.customer_id'), field(record, '$.data.identifiers.cio_id')
    ) as profile_id,
    case
        when field(record, '$.data.transactional_message_id') is not null then 'transactional'
        when field(record, '$.data.broadcast_id') is not null then 'api_triggered_broadcast'
        when field(record, '$.data.newsletter_id') is not null then 'broadcast'
        else 'campaign'
    end as source_type,
    -- As in the warehouse export: campaigns and newsletters are numbered apart.
    coalesce(
        'campaign-' || coalesce(field(record, '$.data.campaign_id'), field(record, '$.data.broadcast_id')),
        'broadcast-' || field(record, '$.data.newsletter_id'),
        'transactional-' || field(record, '$.data.transactional_message_id')
    ) as source_id,
    field(record, '$.data.journey_id') as journey_id,
    coalesce(field(record, '$.data.action_id'), field(record, '$.data.content_id')) as message_id,
    field(record, 'object_type') as channel,
    moment(field(record, 'timestamp')) as sent_at
from file
where field(record, 'metric') = 'sent' and field(record, 'object_type') <> 'customer'
