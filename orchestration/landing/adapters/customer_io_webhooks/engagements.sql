-- Customer.io, reporting webhooks: https://docs.customer.io/integrations/api/webhooks
-- files: *
-- Not needed: customer
select
    field(record, 'event_id') as engagement_id,
    field(record, '$.data.delivery_id') as delivery_id,
    field(record, 'metric') as metric,
    moment(field(record, 'timestamp')) as occurred_at,
    field(record, '$.data.href') as url,
    -- As in the warehouse export.
    coalesce(field(record, '$.data.machine') = 'true' or field(record, '$.data.prefetched') = 'true', false) as is_machine
from file
where
    field(record, 'object_type') <> 'customer'
    and coalesce(field(record, 'metric'), '') not in ('drafted', 'attempted', 'deferred', 'human_opened', 'human_clicked')
