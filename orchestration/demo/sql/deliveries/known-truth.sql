-- Grain: one row per person in a treatment arm: sent at the moment of the assignment.
select
    'known-truth' as workspace_id,
    experiment_id || '-' || person as delivery_id,
    profile_id,
    'broadcast' as source_type,
    experiment_id as source_id,
    experiment_id as message_id,
    'email' as channel,
    assigned_at as sent_at
from people
where arm = 'treatment' and not is_lost
order by experiment_id, person
