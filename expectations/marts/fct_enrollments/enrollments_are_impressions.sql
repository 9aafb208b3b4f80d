select
    enrollment_id,
    goal_id,
    delivery_id
from {batch} as enrollments
anti join (
    select
        workspace_id,
        goal_id,
        delivery_id,
        received_at as enrolled_at
    from marts.fct_impressions
    where outcome = 'enrolled'
) as impressions using (workspace_id, goal_id, delivery_id, enrolled_at)
