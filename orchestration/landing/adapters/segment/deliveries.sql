-- Segment, e-mail events: https://segment.com/docs/connections/spec/email
-- files: *
select
    field(record, '$.properties.email_id') || ':' || coalesce(nullif(field(record, 'userId'), ''), field(record, 'anonymousId'))
        as delivery_id,
    coalesce(nullif(field(record, 'userId'), ''), field(record, 'anonymousId')) as profile_id,
    'campaign' as source_type,
    field(record, '$.properties.campaign_id') as source_id,
    field(record, '$.properties.email_id') as message_id,
    'email' as channel,
    moment(coalesce(field(record, 'timestamp'), field(record, 'originalTimestamp'), field(record, 'receivedAt'))) as sent_at,
    -- The specification has no event for sending; where a tool has one (Email Sent), that counts.
    case field(record, 'event') when 'Email Sent' then 2 when 'Email Delivered' then 1 else 0 end as sequence
from file
where
    field(record, 'type') = 'track'
    and field(record, 'event') in ('Email Sent', 'Email Delivered', 'Email Bounced')
    and field(record, '$.properties.email_id') is not null
