-- Customer.io, warehouse export: https://docs.customer.io/integrations/data-out/data-warehouses/data-warehouses-intro.md
-- files: metrics_v*
-- Not needed: reason, link_id, user_agent, email_client, inbox_domain, inbox_provider, mx_host, proxied (a proxy, as Gmail's, loads the
-- images when the person opens: no sign of a machine)
select
    field(record, 'workspace_id') as workspace_id,
    field(record, 'event_id') as engagement_id,
    field(record, 'delivery_id') as delivery_id,
    field(record, 'metric') as metric,
    moment(field(record, 'created_at')) as occurred_at,
    field(record, 'link_url') as url,
    -- A machine opened or clicked; or a client, as Apple Mail, fetched the images before anybody opened.
    coalesce(field(record, 'machine') = 'true' or field(record, 'prefetched') = 'true', false) as is_machine,
    field(record, 'seq_num') as sequence
from file
where coalesce(field(record, 'metric'), '') not in ('created', 'drafted', 'attempted', 'deferred', 'suppressed')
