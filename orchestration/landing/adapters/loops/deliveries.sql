-- Loops, webhooks: https://loops.so/docs/webhooks
-- files: *
-- Not needed: webhookSchemaVersion, mailingLists, mailingList, campaignName, loopName, sourceType, message, contact, webhookId,
-- webhookTimestamp, webhookSignature
select
    field(record, '$.email.id') as delivery_id,
    coalesce(field(record, '$.contactIdentity.userId'), field(record, '$.contactIdentity.id')) as profile_id,
    case field(record, 'eventName')
        when 'campaign.email.sent' then 'broadcast'
        when 'loop.email.sent' then 'campaign'
        else 'transactional'
    end as source_type,
    coalesce(field(record, 'campaignId'), field(record, 'loopId'), field(record, 'transactionalId')) as source_id,
    field(record, '$.email.emailMessageId') as message_id,
    'email' as channel,
    moment(field(record, 'eventTime')) as sent_at
from file
where field(record, 'eventName') in ('campaign.email.sent', 'loop.email.sent', 'transactional.email.sent')
