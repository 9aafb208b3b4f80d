-- Grain: one row per achievement and source that is credited for it within its own deliveries: the last touch among those whose
-- journey satisfies trigger_match (SEMANTICS, section 8). A target that is a profile part alone credits nothing to a person who
-- was in the goal state on entering; that credit does not pass to an older delivery.
-- Incremental: the credits of achievements that are recomputed.
{{ config(
    materialized='recompute', meta={'recompute_from': 'achieved_at'}
) }}
{%- set matches = satisfies_trigger_match() %}

with touches as (

    select
        facts.*,
        rules.trigger_predicate,
        rules.transition,
        case when rules.is_profile_only then rules.profile_predicate end as goal_state_predicate
    from {{ affected_rows(ref('fct_touches'), 'achieved_at') }} as facts
    inner join {{ ref('int_goal_rules') }} as rules
        on
            facts.workspace_id = rules.workspace_id
            and facts.goal_id = rules.goal_id
            and facts.goal_version = rules.goal_version

),

-- Only those of goals with a trigger_match have values to compare.
with_events as (

    select
        touches.*,
        achievements.natural_key
    from touches
    inner join {{ affected_rows(ref('fct_achievements'), 'achieved_at') }} as achievements
        on touches.profile_key = achievements.profile_key and touches.achievement_id = achievements.achievement_id
    where touches.trigger_predicate is not null

),

matching as (

    select
        achievement_id,
        delivery_id
    from {{ with_trigger_values('with_events', affected_rows(ref('stg_events'), 'received_at'), matches) }}
    where {{ matches }}

),

numbered_from_the_last as (

    select
        touches.*,
        row_number() over (
            partition by touches.achievement_id, touches.source_id
            order by touches.touch_number desc nulls last
        ) as number_from_the_last
    from touches
    left join matching on touches.achievement_id = matching.achievement_id and touches.delivery_id = matching.delivery_id
    where touches.trigger_predicate is null or matching.achievement_id is not null

),

last_touches as (

    select * from numbered_from_the_last
    where number_from_the_last = 1

),

-- Who was in the goal state already when the delivery's journey entered.
entered_in_goal_state as (

    select
        last_touches.achievement_id,
        last_touches.source_id
    from last_touches
    inner join {{ ref('int_sendable_deliveries') }} as deliveries
        on {{ key_of(['last_touches.workspace_id', 'last_touches.delivery_id']) }} = deliveries.delivery_key
    left join {{ ref('int_profile_states') }} as states
        on
            deliveries.profile_key = states.profile_key
            and deliveries.entered_at >= states.valid_from
            and deliveries.entered_at < states.valid_to
    cross join {{ ref('int_missing_state') }} as missing_state
    where
        last_touches.goal_state_predicate is not null
        and {{ is_match('coalesce(states.matches, missing_state.matches)', 'last_touches.goal_state_predicate') }}
        = (last_touches.transition = 'enter')

)

select
    last_touches.workspace_id,
    last_touches.goal_id,
    last_touches.profile_id,
    last_touches.source_id,
    last_touches.journey_id,
    last_touches.delivery_id,
    last_touches.message_id,
    last_touches.channel,
    last_touches.achievement_id,
    last_touches.achieved_at,
    last_touches.profile_key
from last_touches
left join entered_in_goal_state
    on
        last_touches.achievement_id = entered_in_goal_state.achievement_id
        and last_touches.source_id = entered_in_goal_state.source_id
where entered_in_goal_state.achievement_id is null
