select
    workspace_id,
    goal_id,
    delivery_id
from marts.fct_impressions as impressions
anti join {batch} as enrollments using (workspace_id, goal_id, delivery_id)
where outcome = 'enrolled'
