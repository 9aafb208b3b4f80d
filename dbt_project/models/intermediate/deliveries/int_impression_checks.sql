-- Grain: one row per goal and received delivery of a source that the goal's version in force then lists (SEMANTICS, section 7),
-- with the first two checks that decide its outcome: is_eligible, is_in_goal_state. Integer keys only: int_impressions adds the
-- texts.
-- Holds what this run computes: deliveries of affected profiles received from affected_from on. A table, because two models
-- read it.
{{ config(meta={'holds': 'increment'}) }}
{%- set all_count_when_sent = holds_only(ref('int_goal_rules'), 'impression', 'sent') %}

-- Deliveries with the profile's state at both moments that a goal may use: sent and delivered.
with deliveries as (

    select
        deliveries.*,
        states_when_sent.matches as matches_when_sent,
        {{ 'states_when_sent' if all_count_when_sent else 'states_when_delivered' }}.matches as matches_when_delivered
    from {{ affected_rows(ref('int_sendable_deliveries'), 'latest_moment') }} as deliveries
    left join {{ affected_rows(ref('int_profile_states'), 'valid_to') }} as states_when_sent
        on
            deliveries.profile_key = states_when_sent.profile_key
            and deliveries.sent_at >= states_when_sent.valid_from
            and deliveries.sent_at < states_when_sent.valid_to
    {%- if not all_count_when_sent %}
    left join {{ affected_rows(ref('int_profile_states'), 'valid_to') }} as states_when_delivered
        on
            deliveries.profile_key = states_when_delivered.profile_key
            and deliveries.first_delivered_at >= states_when_delivered.valid_from
            and deliveries.first_delivered_at < states_when_delivered.valid_to
    {%- endif %}

),

-- A delivery counts at most once per goal: only the earliest version whose interval contains it judges it. Two versions
-- can claim the same delivery only if one counts it when sent and the other when delivered.
candidates as (

    select
        rules.rule_number,
        deliveries.delivery_key,
        deliveries.profile_key,
        deliveries.journey_key,
        deliveries.sent_at,
        rules.goal_key,
        rules.goal_and_source_key,
        rules.eligibility_predicate,
        case when rules.is_profile_only then rules.profile_predicate end as goal_state_predicate,
        rules.transition,
        case rules.impression when 'delivered' then deliveries.first_delivered_at else deliveries.sent_at end as received_at,
        coalesce(
            case rules.impression when 'delivered' then deliveries.matches_when_delivered else deliveries.matches_when_sent end,
            missing_state.matches
        ) as matches
    from deliveries
    inner join {{ ref('int_source_rules') }} as rules
        on
            deliveries.workspace_id = rules.workspace_id
            and case when deliveries.is_received then deliveries.source_id end = rules.source_id
    cross join {{ ref('int_missing_state') }} as missing_state
    {%- set counts %}
        deliveries.entered_at >= rules.attached_at
        and (not deliveries.needs_opt_in or {{ list_has('rules.webhook_message_ids', 'deliveries.message_id') }})
        and case rules.impression when 'delivered' then deliveries.first_delivered_at else deliveries.sent_at end
        >= greatest(rules.valid_from, rules.counts_since)
        and case rules.impression when 'delivered' then deliveries.first_delivered_at else deliveries.sent_at end
        < least(rules.valid_to, rules.counts_until)
        and not {{ lies_in_any(
            "case rules.impression when 'delivered' then deliveries.sent_at else deliveries.first_delivered_at end",
            'rules.earlier_by_other_moment'
        ) }}
    {%- endset %}
    where {{ together(counts) }}

)

select
    rule_number,
    delivery_key,
    profile_key,
    sent_at,
    received_at,

    -- what it may be the first of: int_first_impressions
    {{ key_of(['goal_key', 'profile_key']) }} as goal_and_profile_key,
    {{ key_of(['goal_and_source_key', 'profile_key', 'journey_key']) }} as enrollment_key,
    {{ shared_journey_key('goal_and_source_key', 'journey_key') }} as shared_journey_key,

    eligibility_predicate is null or {{ is_match('matches', 'eligibility_predicate') }} as is_eligible,
    goal_state_predicate is not null
    and {{ is_match('matches', 'goal_state_predicate') }} = (transition = 'enter') as is_in_goal_state
from {{ affected_rows('candidates', 'received_at') }} as impressions
