-- Loops, webhooks: https://loops.so/docs/webhooks
-- files: *
select
    coalesce(field(record, '$.contactIdentity.userId'), field(record, '$.contactIdentity.id')) as profile_id,
    moment(field(record, 'eventTime')) as changed_at,
    coalesce(
        field(record, 'webhookId'),
        concat_ws(':', field(record, 'eventName'), field(record, '$.contactIdentity.id'), field(record, 'eventTime'))
    ) as change_id,
    case field(record, 'eventName')
        when 'contact.created' then field(record, 'contact')
        when 'contact.unsubscribed' then '{"subscribed": false}'
        else '{}'
    end as properties,
    field(record, 'eventName') = 'contact.deleted' as is_deleted
from file
where field(record, 'eventName') in ('contact.created', 'contact.unsubscribed', 'contact.deleted')
