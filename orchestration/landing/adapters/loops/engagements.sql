-- Loops, webhooks: https://loops.so/docs/webhooks
-- files: *
select
    -- The header Webhook-Id, which your receiver writes into the line. Without it, what makes the event one.
    coalesce(
        field(record, 'webhookId'),
        concat_ws(':', field(record, 'eventName'), field(record, '$.email.id'), field(record, 'eventTime'))
    ) as engagement_id,
    field(record, '$.email.id') as delivery_id,
    case field(record, 'eventName')
        when 'email.delivered' then 'delivered'
        when 'email.opened' then 'opened'
        when 'email.clicked' then 'clicked'
        when 'email.hardBounced' then 'bounced'
        when 'email.unsubscribed' then 'unsubscribed'
        when 'email.spamReported' then 'spammed'
    end as metric,
    moment(field(record, 'eventTime')) as occurred_at
from file
-- A soft bounce is tried again.
where field(record, 'eventName') in (
    'email.delivered', 'email.opened', 'email.clicked', 'email.hardBounced', 'email.unsubscribed', 'email.spamReported'
)
