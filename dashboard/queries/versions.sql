-- The versions of a goal, newest first.
select
    version_number, valid_from, valid_to, is_current, name, description, tags, status, definition_policy, is_locked,
    first_sent_at, measurement_window_days, attribution_window_days, evaluation_window_days, impression, impact_currency,
    impact_value, impact_event_property, definition
from dim_goals
where workspace_id = $workspace and goal_id = $goal
order by version_number desc
