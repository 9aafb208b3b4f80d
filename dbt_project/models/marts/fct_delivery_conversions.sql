-- Grain: one row per goal and delivery that is credited within its own source: for each achievement, the last touch of
-- each source among the deliveries whose journey satisfies trigger_match (SEMANTICS, section 8). A target that is a
-- profile part alone credits nothing to a person who was in the goal state on entering; that credit does not pass to an
-- older delivery.
with touches as (

    select
        {{- unpack_properties('achievements.event_values', 'event') }}
        {{- unpack_properties('journeys.journey_values', 'journey') }}
        candidates.*,
        rules.trigger_predicate,
        rules.transition,
        case when rules.is_profile_only then rules.profile_predicate end as goal_state_predicate,
        case when rules.is_profile_only then candidates.profile_id end as state_profile_id
    from {{ ref('int_candidates') }} as candidates
    inner join {{ ref('int_achievements') }} as achievements
        on
            candidates.workspace_id = achievements.workspace_id
            and candidates.goal_id = achievements.goal_id
            and candidates.achievement_id = achievements.achievement_id
    inner join {{ ref('int_goal_rules') }} as rules
        on
            candidates.workspace_id = rules.workspace_id
            and candidates.goal_id = rules.goal_id
            and candidates.goal_version = rules.goal_version
    left join {{ ref('int_journeys') }} as journeys
        on
            candidates.workspace_id = journeys.workspace_id
            and candidates.landed_journey_id = journeys.journey_id
    where candidates.is_within_window

),

numbered_from_the_last as (

    select
        *,
        row_number() over (
            partition by achievement_id, source_id
            order by touch_at desc nulls last, sent_at desc nulls last, delivery_id desc nulls last
        ) as number_from_the_last
    from touches
    where {{ satisfies_trigger_match() }}

),

credited as (

    select last_touches.*
    from numbered_from_the_last as last_touches
    left join {{ ref('int_profile_states') }} as states
        on
            last_touches.workspace_id = states.workspace_id
            and last_touches.state_profile_id = states.profile_id
            and last_touches.entered_at >= states.valid_from
            and last_touches.entered_at < states.valid_to
    cross join {{ ref('int_missing_state') }} as missing_state
    where
        last_touches.number_from_the_last = 1
        and (
            last_touches.goal_state_predicate is null
            or {{ is_match('coalesce(states.matches, missing_state.matches)', 'last_touches.goal_state_predicate') }}
            <> (last_touches.transition = 'enter')
        )

)

select
    workspace_id,
    goal_id,
    profile_id,
    source_id,
    journey_id,
    delivery_id,
    message_id,
    channel,
    min(achieved_at) as first_converted_at,
    count(*) as achievements
from credited
group by workspace_id, goal_id, profile_id, source_id, journey_id, delivery_id, message_id, channel
