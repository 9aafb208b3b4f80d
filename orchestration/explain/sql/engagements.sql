-- The engagements of every message to the person, except `sent`: its impression says when it was sent.
select
    engagements.delivery_id,
    engagements.metric,
    engagements.occurred_at,
    engagements.is_machine
from staging.stg_engagements as engagements
inner join staging.stg_deliveries as deliveries using (workspace_id, delivery_id)
where workspace_id = $workspace_id and deliveries.profile_id = $profile_id and engagements.metric <> 'sent'
order by engagements.occurred_at, engagements.engagement_id
