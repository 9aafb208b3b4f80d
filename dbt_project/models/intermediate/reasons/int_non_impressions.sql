-- Grain: one row per goal and delivery that is no impression of it, although some row of the goal lists its source: why
-- (SEMANTICS, section 7). The reasons are the conditions of int_sendable_deliveries and int_impressions the other way round, the
-- first that fails; tests/test_explain.py proves that each such delivery is in exactly one of the two. A view: it costs no run.
{{ config(materialized='view') }}
{%- set moment = "case rules.impression when 'delivered' then deliveries.first_delivered_at else deliveries.sent_at end" %}

with goals as (

    select
        workspace_id,
        goal_id,
        min(valid_from) as started_at
    from {{ ref('int_goal_rules') }}
    group by workspace_id, goal_id

),

listed as (

    select distinct
        sources.workspace_id,
        sources.goal_id,
        sources.source_id,
        goals.started_at
    from {{ ref('int_goal_sources') }} as sources
    inner join goals on sources.workspace_id = goals.workspace_id and sources.goal_id = goals.goal_id

),

deliveries as (

    select
        deliveries.workspace_id,
        listed.goal_id,
        listed.started_at,
        deliveries.profile_id,
        deliveries.source_id,
        deliveries.journey_id,
        deliveries.delivery_id,
        deliveries.message_id,
        deliveries.channel,
        deliveries.sent_at,
        sendable.first_delivered_at,
        sendable.entered_at,
        sendable.needs_opt_in,
        case
            when deliveries.sent_at is null then 'never_sent'
            when deliveries.is_anonymous then 'anonymous'
            when deliveries.is_holdout then 'holdout'
            when deliveries.source_type not in ('campaign', 'broadcast') then 'no_campaign_or_broadcast'
            when sendable.delivery_key is null then 'channel_not_attributable'
            when not sendable.is_received then 'not_received'
        end as reason
    from {{ ref('int_deliveries') }} as deliveries
    inner join listed
        on deliveries.workspace_id = listed.workspace_id and deliveries.source_id = listed.source_id
    left join {{ ref('int_sendable_deliveries') }} as sendable
        on deliveries.delivery_key = sendable.delivery_key

),

-- The version that judges: the earliest in whose interval its own moment for the delivery lies.
claimed as (

    select
        deliveries.*,
        rules.goal_version,
        rules.webhook_message_ids,
        rules.counts_since,
        rules.counts_until,
        {{ moment }} as received_at,
        row_number() over (
            partition by deliveries.workspace_id, deliveries.goal_id, deliveries.profile_id, deliveries.delivery_id
            order by rules.valid_from asc nulls last
        ) as claim_number
    from deliveries
    left join {{ ref('int_goal_rules') }} as rules
        on
            deliveries.workspace_id = rules.workspace_id
            and deliveries.goal_id = rules.goal_id
            and {{ moment }} >= rules.valid_from
            and {{ moment }} < rules.valid_to

),

judged as (

    select
        claimed.workspace_id,
        claimed.goal_id,
        claimed.goal_version,
        claimed.profile_id,
        claimed.source_id,
        claimed.journey_id,
        claimed.delivery_id,
        claimed.message_id,
        claimed.channel,
        claimed.sent_at,
        claimed.entered_at,
        sources.attached_at,
        case
            when claimed.reason is not null then claimed.reason
            when claimed.goal_version is null and claimed.sent_at < claimed.started_at then 'before_goal'
            when claimed.goal_version is null and claimed.first_delivered_at is null then 'never_delivered'
            -- The version in force when it was sent goes by the delivery, the one in force at the delivery by the sending.
            when claimed.goal_version is null then 'between_versions'
            when claimed.needs_opt_in and not {{ list_has('claimed.webhook_message_ids', 'claimed.message_id') }}
                then 'not_opted_in'
            when sources.source_id is null then 'source_not_listed'
            when claimed.entered_at < sources.attached_at then 'before_attached'
            when claimed.received_at < claimed.counts_since then 'before_data_start'
            when claimed.received_at >= claimed.counts_until then 'not_active'
        end as reason
    from claimed
    left join {{ ref('int_goal_sources') }} as sources
        on
            claimed.workspace_id = sources.workspace_id
            and claimed.goal_id = sources.goal_id
            and claimed.goal_version = sources.goal_version
            and claimed.source_id = sources.source_id
    where claimed.claim_number = 1

)

select * from judged
where reason is not null
