-- Segment, e-mail events: https://segment.com/docs/connections/spec/email
-- files: *
select
    field(record, 'messageId') as engagement_id,
    field(record, '$.properties.email_id') || ':' || coalesce(nullif(field(record, 'userId'), ''), field(record, 'anonymousId'))
        as delivery_id,
    case field(record, 'event')
        when 'Email Delivered' then 'delivered'
        when 'Email Opened' then 'opened'
        when 'Email Link Clicked' then 'clicked'
        when 'Email Bounced' then 'bounced'
        when 'Email Marked as Spam' then 'spammed'
        when 'Unsubscribed' then 'unsubscribed'
    end as metric,
    moment(coalesce(field(record, 'timestamp'), field(record, 'originalTimestamp'), field(record, 'receivedAt'))) as occurred_at,
    field(record, '$.properties.link_url') as url,
    -- Not in the specification; some tools tell it.
    field(record, '$.properties.machine_open') = 'true' as is_machine
from file
where
    field(record, 'type') = 'track'
    and field(record, 'event') in (
        'Email Delivered', 'Email Opened', 'Email Link Clicked', 'Email Bounced', 'Email Marked as Spam', 'Unsubscribed'
    )
    and field(record, '$.properties.email_id') is not null
