-- Customer.io, warehouse export: https://docs.customer.io/integrations/data-out/data-warehouses/data-warehouses-intro.md
-- files: people_v*
select
    field(record, 'workspace_id') as workspace_id,
    field(record, 'internal_customer_id') as profile_id,
    coalesce(moment(field(record, 'updated_at')), moment(field(record, 'created_at'))) as changed_at,
    'people' as change_id,
    json_object(
        'id', nullif(field(record, 'customer_id'), ''),
        'email', nullif(field(record, 'email_addr'), ''),
        'created_at', moment(field(record, 'created_at')),
        'suppressed', field(record, 'suppressed') = 'true'
    ) as properties,
    field(record, 'deleted') as is_deleted,
    field(record, 'seq_num') as sequence
from file
