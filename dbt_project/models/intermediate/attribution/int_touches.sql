-- Grain: one row per achievement and qualifying delivery: its touch, the latest touch time before the achievement, inside the
-- attribution window (SEMANTICS, section 8). The newest touch time is inside the window if any is.
-- A view of what this run computes: the touches of achievements that are computed anew.
--
-- One profile may have thousands of each, so both sides are cut into buckets of time as long as the longest window: an
-- achievement can only be touched out of its own bucket or the one before.
{{ config(materialized='view') }}
{%- set days_a_bucket = longest_attribution_window() %}

with achievements as {{ read_where_used() }} (

    select
        rules.rule_number,
        rules.time_zone,
        rules.attribution_window_days,
        facts.profile_key,
        facts.achievement_number,
        facts.achieved_at,
        facts.workspace_id,
        facts.goal_id,
        facts.goal_version,
        facts.profile_id,
        facts.achievement_id
    from {{ affected_rows(ref('fct_achievements'), 'achieved_at') }} as facts
    inner join {{ ref('int_goal_rules') }} as rules
        on
            facts.workspace_id = rules.workspace_id
            and facts.goal_id = rules.goal_id
            and facts.goal_version = rules.goal_version

),

-- What a delivery of a source and channel must meet to be a touch, by the rules that list the source.
criteria as (

    select
        rules.rule_number,
        rules.workspace_id,
        rules.source_id,
        channels.channel,
        rules.attached_at,
        rules.counts_since,
        rules.attribution_counts_machine,
        rules.webhook_message_ids,
        coalesce({{ map_value('rules.attribution_criteria', 'channels.channel') }}, 'sent') as touch_metric
    from {{ ref('int_source_rules') }} as rules
    cross join {{ ref('channels') }} as channels

),

moments as (

    select
        profile_key,
        delivery_key,
        'sent' as touch_metric,
        sent_at as touch_at,
        false as is_machine,
        workspace_id,
        source_id,
        channel,
        message_id,
        needs_opt_in,
        entered_at,
        sent_at
    from {{ ref('int_sendable_deliveries') }}
    where is_received

    union all

    select
        deliveries.profile_key,
        deliveries.delivery_key,
        engagements.metric as touch_metric,
        engagements.occurred_at as touch_at,
        engagements.is_machine,
        deliveries.workspace_id,
        deliveries.source_id,
        deliveries.channel,
        deliveries.message_id,
        deliveries.needs_opt_in,
        deliveries.entered_at,
        deliveries.sent_at
    from {{ ref('stg_engagements') }} as engagements
    inner join {{ affected_rows(ref('int_sendable_deliveries')) }} as deliveries
        on engagements.delivery_key = deliveries.delivery_key
    where deliveries.is_received and engagements.metric in (select touch_metric from criteria)

),

touch_times as (

    select
        criteria.rule_number,
        moments.profile_key,
        moments.delivery_key,
        moments.touch_metric,
        moments.touch_at,
        moments.sent_at,
        {{ bucket_of('moments.touch_at', days_a_bucket) }} as bucket
    from {{ affected_rows('moments', 'touch_at', reaching_back_days=days_a_bucket) }} as moments
    inner join criteria
        on
            moments.workspace_id = criteria.workspace_id
            and moments.source_id = criteria.source_id
            and moments.channel = criteria.channel
            and moments.touch_metric = criteria.touch_metric
            and moments.entered_at >= criteria.attached_at
            and moments.touch_at >= criteria.counts_since
    where
        (criteria.attribution_counts_machine or not moments.is_machine)
        and (not moments.needs_opt_in or {{ list_has('criteria.webhook_message_ids', 'moments.message_id') }})

),

own_bucket_and_the_one_before as (

    select 0 as buckets_before
    union all
    select 1 as buckets_before

),

achievements_by_bucket as (

    select
        rule_number,
        time_zone,
        attribution_window_days,
        profile_key,
        achievement_number,
        achieved_at,
        {{ bucket_of('achieved_at', days_a_bucket) }} - buckets_before as bucket
    from achievements
    cross join own_bucket_and_the_one_before

),

touches as (

    select
        achievements.rule_number,
        achievements.profile_key,
        achievements.achievement_number,
        touch_times.delivery_key,
        touch_times.touch_metric,
        max(touch_times.touch_at) as touch_at
    from achievements_by_bucket as achievements
    inner join touch_times
        on
            achievements.rule_number = touch_times.rule_number
            and achievements.profile_key = touch_times.profile_key
            and achievements.bucket = touch_times.bucket
            and achievements.achieved_at >= touch_times.touch_at
            and achievements.achieved_at >= touch_times.sent_at
    where
        case achievements.attribution_window_days
            when 0
                then
                    touch_times.touch_at >= achievements.achieved_at - interval '2' day
                    and date_trunc('day', {{ local_time('touch_times.touch_at', 'achievements.time_zone') }})
                    = date_trunc('day', {{ local_time('achievements.achieved_at', 'achievements.time_zone') }})
            else touch_times.touch_at >= achievements.achieved_at - {{ days('achievements.attribution_window_days') }}
        end
    group by
        achievements.rule_number,
        achievements.profile_key,
        achievements.achievement_number,
        touch_times.delivery_key,
        touch_times.touch_metric

)

select
    achievements.workspace_id,
    achievements.goal_id,
    achievements.goal_version,
    achievements.profile_id,
    deliveries.source_id,
    deliveries.journey_id,
    deliveries.delivery_id,
    deliveries.message_id,
    deliveries.channel,
    achievements.achievement_id,
    achievements.achieved_at,
    deliveries.sent_at,
    touches.touch_metric,
    touches.touch_at,
    touches.profile_key
from touches
inner join achievements
    on
        touches.rule_number = achievements.rule_number
        and touches.profile_key = achievements.profile_key
        and touches.achievement_number = achievements.achievement_number
inner join {{ ref('int_sendable_deliveries') }} as deliveries on touches.delivery_key = deliveries.delivery_key
