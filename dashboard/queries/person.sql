-- What the marts hold of one person and one goal.
select received_at as moment, 'impression' as what, outcome as result, source_id, channel, delivery_id, null as impact
from fct_impressions where workspace_id = $workspace and goal_id = $goal and profile_id = $profile
union all
select converted_at, 'conversion', 'of the window from ' || enrolled_at, source_id, channel, delivery_id, impact_value
from fct_conversions where workspace_id = $workspace and goal_id = $goal and profile_id = $profile
union all
select achieved_at, 'achievement', coalesce(unattributed_reason, 'attributed'), source_id, channel, delivery_id, impact_value
from fct_attributions where workspace_id = $workspace and goal_id = $goal and profile_id = $profile
order by moment, what desc
