-- Customer.io, reporting webhooks: https://docs.customer.io/integrations/api/webhooks
-- files: *
select
    coalesce(
        field(record, '$.data.identifiers.id'), field(record, '$.data.customer_id'), field(record, '$.data.identifiers.cio_id')
    ) as profile_id,
    moment(field(record, 'timestamp')) as changed_at,
    field(record, 'event_id') as change_id,
    json_object('unsubscribed', field(record, 'metric') = 'unsubscribed') as properties
from file
where field(record, 'object_type') = 'customer' and field(record, 'metric') in ('subscribed', 'unsubscribed')
