-- Grain: one row per goal and engagement (for the metric sent: delivery) that reaches its target (SEMANTICS, section 6). Any
-- source type and channel, bounced or not; never anonymous or holdout; by a machine only if the target counts machines.
-- A view of what this run computes: deliveries and engagements of affected profiles from affected_from on.
{{ config(materialized='view', meta={'holds': 'increment'}) }}

with rules as (

    select * from {{ ref('int_goal_rules') }}
    where message_metric is not null

),

-- Each delivery with the goals that count its engagements. Joined first, because most engagements belong to other deliveries.
deliveries as (

    select
        deliveries.workspace_id,
        deliveries.profile_id,
        deliveries.profile_key,
        deliveries.delivery_id,
        deliveries.delivery_key,
        deliveries.sent_at,
        rules.rule_number,
        rules.message_metric,
        rules.message_counts_machine
    from {{ affected_rows(ref('int_deliveries')) }} as deliveries
    inner join rules
        on
            deliveries.workspace_id = rules.workspace_id
            and (rules.message_source_id is null or rules.message_source_id = deliveries.source_id)
            and (rules.message_channel is null or rules.message_channel = deliveries.channel)
    where not deliveries.is_anonymous and not deliveries.is_holdout

),

moments as (

    select
        rule_number,
        profile_id,
        profile_key,
        delivery_id as natural_key,
        sent_at as achieved_at
    from deliveries
    where message_metric = 'sent' and sent_at is not null

    union all

    select
        deliveries.rule_number,
        deliveries.profile_id,
        deliveries.profile_key,
        engagements.engagement_id as natural_key,
        engagements.occurred_at as achieved_at
    from {{ ref('stg_engagements') }} as engagements
    inner join deliveries
        on
            engagements.delivery_key = deliveries.delivery_key
            and engagements.metric = deliveries.message_metric
    -- a delivery is sent once, even if several engagements report it
    where
        engagements.metric <> 'sent'
        and engagements.metric in (select message_metric from rules)
        and (deliveries.message_counts_machine or not engagements.is_machine)

),

candidates as (

    select
        rules.workspace_id,
        rules.goal_id,
        rules.goal_version,
        moments.profile_id,
        moments.profile_key,
        case when rules.profile_predicate is not null then moments.profile_key end as state_profile_key,
        moments.natural_key,
        moments.achieved_at,
        rules.impact_value,
        rules.profile_predicate,
        rules.transition
    from {{ affected_rows('moments', 'achieved_at') }} as moments
    inner join rules
        on
            moments.rule_number = rules.rule_number
            and moments.achieved_at >= greatest(rules.valid_from, rules.counts_since)
            and moments.achieved_at < least(rules.valid_to, rules.counts_until)

)

select
    candidates.workspace_id,
    candidates.goal_id,
    candidates.goal_version,
    candidates.profile_id,
    candidates.profile_key,
    'message' as kind,
    candidates.natural_key,
    candidates.achieved_at,
    candidates.impact_value,
    cast(null as string) as unconverted_currency
from candidates
left join {{ affected_rows(ref('int_profile_states'), 'valid_to') }} as states
    on
        candidates.state_profile_key = states.profile_key
        and candidates.achieved_at >= states.valid_from
        and candidates.achieved_at < states.valid_to
cross join {{ ref('int_missing_state') }} as missing_state
where
    candidates.profile_predicate is null
    or {{ is_match('coalesce(states.matches, missing_state.matches)', 'candidates.profile_predicate') }}
    = (candidates.transition = 'enter')
