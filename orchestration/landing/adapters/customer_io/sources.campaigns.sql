-- Customer.io, warehouse export: https://docs.customer.io/integrations/data-out/data-warehouses/data-warehouses-intro.md
-- files: campaigns_v*
-- Not needed: topic_names. The export does not say whether a campaign runs: it counts as active.
select
    field(record, 'workspace_id') as workspace_id,
    'campaign-' || field(record, 'campaign_id') as source_id,
    coalesce(moment(field(record, 'updated_at')), moment(field(record, 'created_at'))) as updated_at,
    'campaign' as source_type,
    field(record, 'name') as name,
    'active' as status,
    coalesce(field(record, 'seq_num'), field(record, 'version')) as sequence
from file
