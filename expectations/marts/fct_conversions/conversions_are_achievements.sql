select
    enrollment_id,
    achievement_id
from {batch} as conversions
anti join (
    select
        workspace_id,
        goal_id,
        profile_id,
        achievement_id,
        achieved_at as converted_at
    from marts.fct_achievements
) as achievements using (workspace_id, goal_id, profile_id, achievement_id, converted_at)
