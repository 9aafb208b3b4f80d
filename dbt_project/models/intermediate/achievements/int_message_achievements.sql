-- Grain: one row per goal and engagement (sent: delivery) that reaches its target (SEMANTICS, section 6): of any source
-- type and channel, bounced or not, never anonymous or holdout; by a machine only where the target counts those.
-- A view of what this run computes: the deliveries and engagements of affected profiles from affected_from on.
{{ config(materialized='view', meta={'holds': 'increment'}) }}
{%- set known_people = 'not deliveries.is_anonymous and not deliveries.is_holdout' %}

with moments as (

    select
        deliveries.workspace_id,
        deliveries.profile_id,
        deliveries.profile_key,
        deliveries.source_id,
        deliveries.channel,
        'sent' as metric,
        deliveries.delivery_id as natural_key,
        false as is_machine,
        deliveries.sent_at as achieved_at
    from {{ affected_rows(ref('int_deliveries')) }} as deliveries
    where
        {{ known_people }}
        and deliveries.sent_at is not null
        and 'sent' in (select message_metric from {{ ref('int_goal_rules') }})

    union all

    select
        deliveries.workspace_id,
        deliveries.profile_id,
        deliveries.profile_key,
        deliveries.source_id,
        deliveries.channel,
        engagements.metric,
        engagements.engagement_id as natural_key,
        engagements.is_machine,
        engagements.occurred_at as achieved_at
    from {{ ref('stg_engagements') }} as engagements
    inner join {{ affected_rows(ref('int_deliveries')) }} as deliveries on engagements.delivery_key = deliveries.delivery_key
    where
        {{ known_people }}
        -- a delivery is sent once, however often that is reported
        and engagements.metric <> 'sent'
        and engagements.metric in (select message_metric from {{ ref('int_goal_rules') }})

),

candidates as (

    select
        moments.workspace_id,
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
    inner join {{ ref('int_goal_rules') }} as rules
        on
            moments.workspace_id = rules.workspace_id
            and moments.metric = rules.message_metric
            and moments.achieved_at >= greatest(rules.valid_from, rules.counts_since)
            and moments.achieved_at < least(rules.valid_to, rules.counts_until)
    where
        (rules.message_source_id is null or rules.message_source_id = moments.source_id)
        and (rules.message_channel is null or rules.message_channel = moments.channel)
        and (rules.message_counts_machine or not moments.is_machine)

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
    cast(null as varchar) as unconverted_currency
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
