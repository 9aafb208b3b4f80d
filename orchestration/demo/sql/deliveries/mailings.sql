-- Grain: one row per campaign and household that received its mailing. The package names no channel, and a letter
-- could not be credited (SEMANTICS, section 7): so the channel is email.
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
