-- Grain: one row per campaign and household that was mailed it. The package names no channel, and post could not be
-- credited (SEMANTICS, section 7): it is called email.
select
    'complete-journey' as workspace_id,
    'delivery-' || campaign_id || '-' || household_id as delivery_id,
    household_id::varchar as profile_id,
    'campaign' as source_type,
    campaign_source_id(campaign_id) as source_id,
    journey_id,
    'mailing-' || campaign_id as message_id,
    'email' as channel,
    mailed_at as sent_at
from mailings
order by sent_at, delivery_id
