select achievement_id, delivery_id, occurred_at, reason
from intermediate.int_non_touches
where workspace_id = $workspace_id and goal_id = $goal_id and profile_id = $profile_id
order by occurred_at, reason
