-- Customer.io, warehouse export: https://docs.customer.io/integrations/data-out/data-warehouses/data-warehouses-intro.md
-- files: broadcasts_v*
-- Not needed: topic_names, version
select
    field(record, 'workspace_id') as workspace_id,
    'broadcast-' || field(record, 'broadcast_id') as source_id,
    coalesce(moment(field(record, 'updated_at')), moment(field(record, 'created_at'))) as updated_at,
    'broadcast' as source_type,
    field(record, 'name') as name,
    'active' as status,
    field(record, 'seq_num') as sequence
from file
