-- Grain: one row per campaign.
select
    'complete-journey' as workspace_id,
    campaign_source_id(campaign_id) as source_id,
    set_up_at() as updated_at,
    'campaign' as source_type,
    'Campaign ' || campaign_id || ' (' || campaign_type || ')' as name,
    'active' as status
from campaign_descriptions
order by campaign_id
