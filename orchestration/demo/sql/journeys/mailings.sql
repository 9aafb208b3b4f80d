-- Grain: one row per campaign and household that received its mailing.
select
    'complete-journey' as workspace_id,
    journey_id,
    campaign_source_id(campaign_id) as source_id,
    household_id::varchar as profile_id,
    mailed_at as entered_at,
    to_json({
        campaign_id: campaign_source_id(campaign_id),
        campaign_type: campaign_type,
        end_date: end_date
    })::varchar as trigger_properties
from mailings
order by entered_at, journey_id
