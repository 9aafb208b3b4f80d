-- Grain: one row per goal and engagement (for the metric sent: delivery) that reaches its target (SEMANTICS, section 6). Any
-- source type and channel, bounced or not; never anonymous or holdout; by a machine only if the target counts machines.
-- A view of what this run computes: deliveries and engagements of affected profiles from affected_from on.
{{ config(materialized='view', meta={'holds': 'increment'}) }}
{%- set is_recent = 'true' if from_scratch() else
    '(row_sent_at >= ' ~ earliest_affected() ~ ' or row_sent_at is null)' %}

with rules as (

    select * from {{ ref('int_goal_rules') }}
    where message_metric is not null

),

-- A delivery is sent once, even if several engagements report it.
sends as (

    select
        workspace_id,
        profile_id,
        profile_key,
        source_id,
        channel,
        is_anonymous,
        is_holdout,
        'sent' as metric,
        false as is_machine,
        delivery_id as natural_key,
        sent_at as achieved_at
    from {{ ref('int_deliveries') }}
    where
        sent_at is not null
        and 'sent' in (select message_metric from rules)
        and {{ is_recent }}

),

-- Chosen before they are joined: only few engagements are of these metrics.
counted_engagements as (

    select * from {{ ref('stg_engagements') }}
    where metric <> 'sent' and metric in (select message_metric from rules)

),

engagements as (

    select
        deliveries.workspace_id,
        deliveries.profile_id,
        deliveries.profile_key,
        deliveries.source_id,
        deliveries.channel,
        deliveries.is_anonymous,
        deliveries.is_holdout,
        engagements.metric,
        engagements.is_machine,
        engagements.engagement_id as natural_key,
        engagements.occurred_at as achieved_at
    from counted_engagements as engagements
    inner join {{ ref('int_deliveries') }} as deliveries on engagements.delivery_key = deliveries.delivery_key

),

moments as (

    select * from sends
    union all
    select * from engagements

),

candidates as (

    select
        rules.rule_number,
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
            moments.workspace_id = rules.workspace_id
            and moments.metric = rules.message_metric
            and (rules.message_source_id is null or rules.message_source_id = moments.source_id)
            and (rules.message_channel is null or rules.message_channel = moments.channel)
            and (rules.message_counts_machine or not moments.is_machine)
            and moments.achieved_at >= greatest(rules.valid_from, rules.counts_since)
            and moments.achieved_at < least(rules.valid_to, rules.counts_until)
    where not moments.is_anonymous and not moments.is_holdout

)

select
    candidates.rule_number,
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
