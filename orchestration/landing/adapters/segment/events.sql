-- Segment and RudderStack, track: https://segment.com/docs/connections/spec/track, https://www.rudderstack.com/docs/event-spec/standard-events/track/
-- files: *
-- Not needed: context, integrations, channel, version, writeKey, projectId, sentAt, originalTimestamp, traits, rudderId, request_ip,
-- groupId, previousId, category, _metadata, metadata, isDirect, sourceId
select
    field(record, 'messageId') as event_id,
    coalesce(nullif(field(record, 'userId'), ''), field(record, 'anonymousId')) as profile_id,
    field(record, 'event') as name,
    field(record, 'properties') as properties,
    moment(coalesce(field(record, 'timestamp'), field(record, 'originalTimestamp'), field(record, 'receivedAt'))) as occurred_at,
    moment(field(record, 'receivedAt')) as received_at
from file
where
    field(record, 'type') = 'track'
    -- What an e-mail tool tells of a message is an engagement.
    and not (
        coalesce(field(record, 'event'), '') in (
            'Email Sent', 'Email Delivered', 'Email Opened', 'Email Link Clicked', 'Email Bounced', 'Email Marked as Spam', 'Unsubscribed'
        )
        and field(record, '$.properties.email_id') is not null
    )
