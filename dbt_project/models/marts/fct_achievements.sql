-- Grain: one row per achievement: a moment at which a profile reaches a goal's target (SEMANTICS, section 6). Repeats are kept;
-- people are counted by is_first. Do not sum impact over goals: one event may reach several.
select
    workspace_id,
    goal_id,
    goal_version,
    profile_id,
    achievement_id,
    kind,
    achieved_at,
    achievement_number,
    achievement_number = 1 as is_first,
    impact_value,
    impact_currency
from {{ ref('int_achievements') }}
