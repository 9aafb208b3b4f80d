-- Grain: one row per achievement: the touch that gets the credit, the last one, or why there is none (SEMANTICS, section 8).
-- Attributed and unattributed rows together are all achievements.
-- Incremental: those of achievements that are computed anew.
{{ config(materialized='incremental', incremental_strategy='recompute', meta={'recompute_from': 'achieved_at'}) }}

with attributed as (

    select
        achievements.workspace_id,
        achievements.goal_id,
        achievements.goal_version,
        achievements.profile_id,
        last_touches.source_id,
        last_touches.journey_id,
        last_touches.delivery_id,
        last_touches.message_id,
        last_touches.channel,
        achievements.achievement_id,
        last_touches.achievement_id is not null as is_attributed,
        last_touches.touch_metric,
        last_touches.touch_at,
        achievements.achieved_at,
        achievements.is_first,
        achievements.impact_value,
        achievements.profile_key
    from {{ affected_rows(ref('fct_achievements'), 'achieved_at') }} as achievements
    left join {{ affected_rows(ref('fct_touches'), 'achieved_at') }} as last_touches
        on
            achievements.achievement_id = last_touches.achievement_id
            and last_touches.touch_number = last_touches.touches

),

-- The reason goes by the deliveries of the 90 days before the achievement.
recent_candidates as (

    select
        unattributed.achievement_id,
        unattributed.achieved_at,
        deliveries.delivery_key,
        deliveries.sent_at,
        rules.counts_since,
        rules.attribution_counts_machine,
        coalesce({{ map_value('rules.attribution_criteria', 'deliveries.channel') }}, 'sent') as touch_metric
    from attributed as unattributed
    inner join {{ ref('int_source_rules') }} as rules
        on
            unattributed.workspace_id = rules.workspace_id
            and unattributed.goal_id = rules.goal_id
            and unattributed.goal_version = rules.goal_version
    inner join {{ affected_rows(ref('int_sendable_deliveries'), 'sent_at', reaching_back_days=90) }} as deliveries
        on
            unattributed.profile_key = deliveries.profile_key
            and rules.source_id = deliveries.source_id
            and unattributed.achieved_at >= deliveries.sent_at
            and unattributed.achieved_at <= deliveries.sent_at + {{ days(90) }}
            and deliveries.entered_at >= rules.attached_at
    where
        not unattributed.is_attributed
        and deliveries.is_received
        and (not deliveries.needs_opt_in or {{ list_has('rules.webhook_message_ids', 'deliveries.message_id') }})

),

touched_candidates as (

    select achievement_id
    from recent_candidates
    where touch_metric = 'sent' and sent_at >= counts_since

    union

    select candidates.achievement_id
    from recent_candidates as candidates
    inner join {{ ref('stg_engagements') }} as engagements
        on
            candidates.delivery_key = engagements.delivery_key
            and candidates.touch_metric = engagements.metric
            and candidates.achieved_at >= engagements.occurred_at
            and candidates.counts_since <= engagements.occurred_at
            and (candidates.attribution_counts_machine or not engagements.is_machine)

)

select
    workspace_id,
    goal_id,
    goal_version,
    profile_id,
    source_id,
    journey_id,
    delivery_id,
    message_id,
    channel,
    achievement_id,
    is_attributed,
    touch_metric,
    touch_at,
    case
        when is_attributed then null
        when achievement_id not in (select achievement_id from recent_candidates) then 'no_delivery'
        when achievement_id not in (select achievement_id from touched_candidates) then 'no_qualifying_metric'
        else 'outside_window'
    end as unattributed_reason,
    achieved_at,
    is_first,
    impact_value,
    profile_key
from attributed
