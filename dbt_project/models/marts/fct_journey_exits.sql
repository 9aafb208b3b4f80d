-- Grain: one row per journey, from data_start_at on, of a source with an exit condition: when and why a sender that honours the
-- condition would have ended it (SEMANTICS, section 9). An exit after finished_at is none; a tie is goal.
-- Incremental: the journeys of affected profiles are recomputed.
{{ config(
    materialized='recompute',
    meta={'recompute_where': 'kept.profile_key in (select profile_key from intermediate.int_affected_profiles)'},
) }}

with exits as (

    select
        journeys.*,
        case
            when goal_exits.exit_at <= coalesce(unmatched_exits.exit_at, {{ end_of_time() }}) then goal_exits.exit_at
            else unmatched_exits.exit_at
        end as exit_at,
        case
            when goal_exits.exit_at <= coalesce(unmatched_exits.exit_at, {{ end_of_time() }}) then 'goal'
            when unmatched_exits.exit_at is not null then 'unmatched'
        end as exit_reason
    from {{ ref('int_exit_journeys') }} as journeys
    left join {{ ref('int_goal_exits') }} as goal_exits
        on journeys.workspace_id = goal_exits.workspace_id and journeys.journey_id = goal_exits.journey_id
    left join {{ ref('int_unmatched_exits') }} as unmatched_exits
        on journeys.workspace_id = unmatched_exits.workspace_id and journeys.journey_id = unmatched_exits.journey_id

),

in_time as (

    select
        workspace_id,
        profile_id,
        profile_key,
        source_id,
        journey_id,
        journey_key,
        entered_at,
        exit_condition,
        case when finished_at is null or exit_at <= finished_at then exit_at end as exit_at,
        case when finished_at is null or exit_at <= finished_at then exit_reason end as exit_reason
    from exits

),

messages as (

    select
        landed_journey_key as journey_key,
        sent_at
    from {{ ref('int_sendable_deliveries') }}
    where landed_journey_key is not null and not needs_opt_in

)

select
    in_time.workspace_id,
    in_time.profile_id,
    in_time.source_id,
    in_time.journey_id,
    in_time.entered_at,
    in_time.exit_condition,
    in_time.exit_reason,
    in_time.exit_at,
    count(messages.sent_at) as messages_after_exit,
    in_time.profile_key
from in_time
left join messages
    on
        in_time.journey_key = messages.journey_key
        and in_time.exit_at < messages.sent_at
group by
    in_time.workspace_id,
    in_time.profile_id,
    in_time.source_id,
    in_time.journey_id,
    in_time.entered_at,
    in_time.exit_condition,
    in_time.exit_reason,
    in_time.exit_at,
    in_time.profile_key
