-- Grain: one row per achievement and candidate for its credit: a received delivery sent before it, to that profile, from a
-- source that the achievement's version lists (SEMANTICS, section 8). touch_at is its latest touch time (null: its
-- channel's criterion was never met), is_within_window whether that qualifies. A view for `goalpost explain`, which asks for one
-- profile: fct_touches and fct_attributions look for what they need in cheaper ways.
{{ config(materialized='view') }}

with candidates as (

    select
        achievements.workspace_id,
        achievements.goal_id,
        achievements.goal_version,
        achievements.achievement_id,
        achievements.achieved_at,
        achievements.profile_id,
        deliveries.source_id,
        deliveries.journey_id,
        deliveries.delivery_id,
        deliveries.message_id,
        deliveries.channel,
        deliveries.sent_at,
        deliveries.entered_at,
        rules.time_zone,
        rules.counts_since,
        rules.attribution_window_days,
        rules.attribution_counts_machine,
        coalesce({{ map_value('rules.attribution_criteria', 'deliveries.channel') }}, 'sent') as touch_metric
    from {{ ref('fct_achievements') }} as achievements
    inner join {{ ref('int_goal_rules') }} as rules
        on
            achievements.workspace_id = rules.workspace_id
            and achievements.goal_id = rules.goal_id
            and achievements.goal_version = rules.goal_version
    inner join {{ ref('int_goal_sources') }} as sources
        on
            achievements.workspace_id = sources.workspace_id
            and achievements.goal_id = sources.goal_id
            and achievements.goal_version = sources.goal_version
    inner join {{ ref('int_sendable_deliveries') }} as deliveries
        on
            achievements.workspace_id = deliveries.workspace_id
            and achievements.profile_id = deliveries.profile_id
            and sources.source_id = deliveries.source_id
            and deliveries.entered_at >= sources.attached_at
            and deliveries.sent_at <= achievements.achieved_at
    where
        deliveries.is_received
        and (not deliveries.needs_opt_in or {{ list_has('rules.webhook_message_ids', 'deliveries.message_id') }})

),

engaged as (

    select
        candidates.workspace_id,
        candidates.achievement_id,
        candidates.delivery_id,
        max(engagements.occurred_at) as engaged_at
    from candidates
    inner join {{ ref('stg_engagements') }} as engagements
        on
            candidates.workspace_id = engagements.workspace_id
            and candidates.delivery_id = engagements.delivery_id
            and candidates.touch_metric = engagements.metric
            and engagements.metric <> 'sent'
            and engagements.occurred_at <= candidates.achieved_at
            and engagements.occurred_at >= candidates.counts_since
            and (candidates.attribution_counts_machine or not engagements.is_machine)
    group by candidates.workspace_id, candidates.achievement_id, candidates.delivery_id

),

touched as (

    select
        candidates.*,
        case
            when candidates.touch_metric <> 'sent' then engaged.engaged_at
            when candidates.sent_at >= candidates.counts_since then candidates.sent_at
        end as touch_at
    from candidates
    left join engaged
        on
            candidates.workspace_id = engaged.workspace_id
            and candidates.achievement_id = engaged.achievement_id
            and candidates.delivery_id = engaged.delivery_id

)

select
    *,
    coalesce(
        case attribution_window_days
            when 0
                then
                    date_trunc('day', {{ local_time('touch_at', 'time_zone') }})
                    = date_trunc('day', {{ local_time('achieved_at', 'time_zone') }})
            else touch_at >= achieved_at - {{ days('attribution_window_days') }}
        end,
        false
    ) as is_within_window,
    sent_at >= achieved_at - {{ days(90) }} as is_recent
from touched
