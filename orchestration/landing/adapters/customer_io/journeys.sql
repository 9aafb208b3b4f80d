-- Customer.io, warehouse export: https://docs.customer.io/integrations/data-out/data-warehouses/data-warehouses-intro.md
-- files: subjects_v*
-- Not needed: campaign_type, event_id, trigger_id
select
    field(record, 'workspace_id') as workspace_id,
    field(record, 'subject_name') as journey_id,
    'campaign-' || field(record, 'campaign_id') as source_id,
    field(record, 'internal_customer_id') as profile_id,
    coalesce(moment(field(record, 'started_campaign_at')), moment(field(record, 'created_at'))) as entered_at,
    field(record, 'seq_num') as sequence
from file
