-- Grain: one row per person in an experiment.
select
    'known-truth' as workspace_id,
    experiment_id,
    profile_id,
    arm,
    assigned_at
from people
where not is_lost
order by experiment_id, person
