-- Customer.io, warehouse export: https://docs.customer.io/integrations/data-out/data-warehouses/data-warehouses-intro.md
-- files: attributes_v*
select
    field(record, 'workspace_id') as workspace_id,
    field(record, 'internal_customer_id') as profile_id,
    moment(field(record, 'timestamp')) as changed_at,
    'attribute:' || field(record, 'attribute_name') as change_id,
    -- Every value is text; an empty one means that the attribute is gone.
    json_object(field(record, 'attribute_name'), nullif(field(record, 'attribute_value'), '')) as properties,
    field(record, 'seq_num') as sequence
from file
