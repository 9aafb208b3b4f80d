-- What came back of every message to the person. (When it was sent, its impression says.)
select
    engagements.delivery_id,
    engagements.metric,
    engagements.occurred_at,
    engagements.is_machine
from staging.stg_engagements as engagements
inner join staging.stg_deliveries as deliveries using (workspace_id, delivery_id)
where workspace_id = $workspace_id and deliveries.profile_id = $profile_id and engagements.metric <> 'sent'
order by engagements.occurred_at, engagements.engagement_id
