-- Who reached a goal last.
select profile_id, achieved_at, source_id, unattributed_reason
from fct_attributions
where workspace_id = $workspace and goal_id = $goal and achieved_at <= $as_of
order by achieved_at desc, achievement_id
limit 20
