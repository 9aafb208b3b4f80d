-- Grain: one row per goal and received delivery of a source that its version in force then lists (SEMANTICS, section 7), with
-- the first two checks that decide its outcome: is_eligible, is_in_goal_state.
-- A view of what this run computes: the deliveries of affected profiles received from affected_from on.
{{ config(materialized='view') }}

with candidates as (

    select
        deliveries.workspace_id,
        deliveries.delivery_id,
        deliveries.profile_id,
        deliveries.source_id,
        deliveries.journey_id,
        deliveries.message_id,
        deliveries.channel,
        deliveries.delivery_key,
        deliveries.profile_key,
        rules.goal_id,
        rules.goal_version,
        rules.impression,
        rules.valid_from,
        rules.eligibility_predicate,
        case when rules.is_profile_only then rules.profile_predicate end as goal_state_predicate,
        rules.transition,
        case rules.impression when 'delivered' then deliveries.first_delivered_at else deliveries.sent_at end as received_at,
        case rules.impression when 'delivered' then deliveries.sent_at else deliveries.first_delivered_at end as other_moment
    from {{ affected_rows(ref('int_sendable_deliveries'), 'latest_moment') }} as deliveries
    inner join {{ ref('int_source_rules') }} as rules
        on
            deliveries.workspace_id = rules.workspace_id
            and deliveries.source_id = rules.source_id
            and deliveries.entered_at >= rules.attached_at
    where
        deliveries.is_received
        and (not deliveries.needs_opt_in or {{ list_has('rules.webhook_message_ids', 'deliveries.message_id') }})
        and case rules.impression when 'delivered' then deliveries.first_delivered_at else deliveries.sent_at end
        >= greatest(rules.valid_from, rules.counts_since)
        and case rules.impression when 'delivered' then deliveries.first_delivered_at else deliveries.sent_at end
        < least(rules.valid_to, rules.counts_until)

),

-- A delivery counts at most once per goal: the earliest version in whose interval it lies judges it alone. Two versions
-- can claim one delivery only where one takes it when sent and the other when delivered.
judged_once as (

    select candidates.*
    from {{ affected_rows('candidates', 'received_at') }} as candidates
    left join {{ ref('int_goal_rules') }} as earlier
        on
            candidates.workspace_id = earlier.workspace_id
            and candidates.goal_id = earlier.goal_id
            and candidates.impression <> earlier.impression
            and candidates.valid_from > earlier.valid_from
            and candidates.other_moment >= earlier.valid_from
            and candidates.other_moment < earlier.valid_to
    where earlier.goal_id is null

)

select
    judged_once.workspace_id,
    judged_once.goal_id,
    judged_once.goal_version,
    judged_once.profile_id,
    judged_once.source_id,
    judged_once.journey_id,
    judged_once.delivery_id,
    judged_once.message_id,
    judged_once.channel,
    judged_once.received_at,
    judged_once.delivery_key,
    judged_once.profile_key,
    judged_once.eligibility_predicate is null
    or {{ is_match('coalesce(states.matches, missing_state.matches)', 'judged_once.eligibility_predicate') }} as is_eligible,
    judged_once.goal_state_predicate is not null
    and {{ is_match('coalesce(states.matches, missing_state.matches)', 'judged_once.goal_state_predicate') }}
    = (judged_once.transition = 'enter') as is_in_goal_state
from judged_once
left join {{ ref('int_profile_states') }} as states
    on
        judged_once.profile_key = states.profile_key
        and judged_once.received_at >= states.valid_from
        and judged_once.received_at < states.valid_to
cross join {{ ref('int_missing_state') }} as missing_state
