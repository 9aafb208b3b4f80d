-- Grain: one row per goal and received delivery of a source with the goal attached, and what became of it: the first check that
-- it failed, or enrolled (SEMANTICS, section 7).
select
    workspace_id,
    goal_id,
    goal_version,
    profile_id,
    source_id,
    journey_id,
    delivery_id,
    message_id,
    channel,
    received_at,
    case
        when not is_eligible then 'not_eligible'
        when is_in_goal_state then 'already_achieved'
        when eligible_number > 1 then 'already_enrolled'
        else 'enrolled'
    end as outcome
from {{ ref('int_impressions') }}
