-- Grain: one row per journey that meets its exit goal (SEMANTICS, section 9): at entered_at if the goal's version in force and
-- active then has a profile-only target and its goal state holds, else at the goal's first achievement at or after entered_at.
-- A view of what this run computes: the journeys of affected profiles.
{{ config(materialized='view', meta={'holds': 'increment'}) }}

with journeys as (

    select * from {{ ref('int_exit_journeys') }}
    where exit_goal_id is not null

),

already_there as (

    select
        journeys.workspace_id,
        journeys.journey_id,
        journeys.entered_at as exit_at
    from journeys
    inner join {{ ref('int_goal_rules') }} as rules
        on
            journeys.workspace_id = rules.workspace_id
            and journeys.exit_goal_id = rules.goal_id
            and journeys.entered_at >= rules.valid_from
            and journeys.entered_at < least(rules.valid_to, rules.counts_until)
            and rules.is_profile_only
    left join {{ ref('int_profile_states') }} as states
        on
            journeys.profile_key = states.profile_key
            and journeys.entered_at >= states.valid_from
            and journeys.entered_at < states.valid_to
    cross join {{ ref('int_missing_state') }} as missing_state
    where
        {{ is_match('coalesce(states.matches, missing_state.matches)', 'rules.profile_predicate') }}
        = (rules.transition = 'enter')

),

achieved as (

    select
        journeys.workspace_id,
        journeys.journey_id,
        achievements.achieved_at as exit_at
    from journeys
    inner join {{ ref('fct_achievements') }} as achievements
        on
            journeys.exit_goal_id = achievements.goal_id
            and journeys.profile_key = achievements.profile_key
            and journeys.entered_at <= achievements.achieved_at

)

select
    workspace_id,
    journey_id,
    min(exit_at) as exit_at
from (
    select * from already_there
    union all
    select * from achieved
) as exits
group by workspace_id, journey_id
