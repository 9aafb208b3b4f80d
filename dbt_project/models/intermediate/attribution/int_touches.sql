-- Grain: one row per achievement and qualifying delivery: its touch, the latest touch time before the achievement, inside the
-- attribution window (SEMANTICS, section 8). The newest touch time is inside the window if any is.
-- A view of what this run computes: the touches of achievements that are recomputed. It goes by integers: fct_touches brings
-- the texts.
--
-- One profile may have thousands of each, so both sides are cut into buckets of time as long as the longest window: an
-- achievement can only be touched out of its own bucket or the one before.
{{ config(materialized='view', meta={'holds': 'increment'}) }}
{%- set days_a_bucket = longest_attribution_window() %}

with achievements as (

    select
        rules.rule_number,
        facts.profile_key,
        facts.achievement_number,
        facts.achieved_at
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
        {{ key_of(['rules.workspace_id', 'rules.source_id', 'channels.channel']) }} as sent_by,
        rules.attached_at,
        rules.counts_since,
        rules.time_zone,
        rules.attribution_window_days,
        rules.attribution_counts_machine,
        rules.webhook_message_ids,
        {{ criterion('rules', 'channels.channel') }} as touch_metric
    from {{ ref('int_source_rules') }} as rules
    cross join {{ ref('channels') }} as channels

),

deliveries as {{ read_where_used() }} (

    select
        profile_key,
        delivery_key,
        {{ key_of(['workspace_id', 'source_id', 'channel']) }} as sent_by,
        needs_opt_in,
        case when needs_opt_in then message_id end as opted_in_by,
        entered_at,
        sent_at
    from {{ ref('int_sendable_deliveries') }}
    where is_received
    {%- if not from_scratch() %} and profile_key in (select profile_key from achievements){% endif %}

),

moments as (

    select
        *,
        'sent' as touch_metric,
        sent_at as touch_at,
        false as is_machine
    from deliveries

    union all

    select
        deliveries.*,
        engagements.metric as touch_metric,
        engagements.occurred_at as touch_at,
        engagements.is_machine
    from {{ ref('stg_engagements') }} as engagements
    inner join deliveries on engagements.delivery_key = deliveries.delivery_key
    where engagements.metric <> 'sent' and engagements.metric in (select touch_metric from criteria)

),

touch_times as (

    select
        criteria.rule_number,
        criteria.time_zone,
        criteria.attribution_window_days,
        moments.profile_key,
        moments.delivery_key,
        moments.touch_metric,
        moments.touch_at,
        moments.sent_at,
        {{ bucket_of('moments.touch_at', days_a_bucket) }} as bucket
    from {{ affected_rows('moments', 'touch_at', reaching_back_days=days_a_bucket) }} as moments
    inner join criteria
        on
            moments.sent_by = criteria.sent_by
            and {{ is_touch_time('criteria', 'moments.touch_metric', 'moments.touch_at', 'moments.is_machine') }}
    where {{ is_candidate('moments', 'criteria', 'opted_in_by') }}

),

own_bucket_and_the_one_before as (

    select 0 as buckets_before
    union all
    select 1 as buckets_before

),

achievements_by_bucket as (

    select
        achievements.*,
        {{ bucket_of('achievements.achieved_at', days_a_bucket) }} - buckets_before as bucket
    from achievements
    cross join own_bucket_and_the_one_before

),

touches as (

    select
        achievements.rule_number,
        achievements.profile_key,
        achievements.achievement_number,
        achievements.achieved_at,
        touch_times.delivery_key,
        touch_times.sent_at,
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
    where {{ is_in_attribution_window('touch_times.touch_at', 'achievements.achieved_at', 'touch_times') }}
    group by
        achievements.rule_number,
        achievements.profile_key,
        achievements.achievement_number,
        achievements.achieved_at,
        touch_times.delivery_key,
        touch_times.sent_at,
        touch_times.touch_metric

)

select
    touches.*,
    deliveries.delivery_id
from touches
inner join {{ ref('stg_deliveries') }} as deliveries on touches.delivery_key = deliveries.delivery_key
