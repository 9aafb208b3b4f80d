-- Segment and RudderStack, identify: https://segment.com/docs/connections/spec/identify
-- files: *
select
    coalesce(nullif(field(record, 'userId'), ''), field(record, 'anonymousId')) as profile_id,
    moment(coalesce(field(record, 'timestamp'), field(record, 'originalTimestamp'), field(record, 'receivedAt'))) as changed_at,
    field(record, 'messageId') as change_id,
    -- RudderStack's SDKs put the traits into the context.
    coalesce(field(record, 'traits'), field(record, '$.context.traits'), '{}') as properties
from file
where field(record, 'type') = 'identify'
