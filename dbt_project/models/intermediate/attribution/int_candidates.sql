-- Grain: one row per achievement and candidate for its credit: a received delivery sent before it, to that profile, from a
-- source that the achievement's version lists (SEMANTICS, section 8). touch_at is its latest touch time (null: its
-- channel's criterion was never met), is_within_window whether that qualifies. A view for `goalpost explain`, which asks for one
-- profile: int_touches and fct_attributions look for what they need in cheaper ways, by the same conditions (macros/touches.sql).
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
        messages.journey_id,
        messages.delivery_id,
        deliveries.message_id,
        deliveries.channel,
        deliveries.sent_at,
        deliveries.entered_at,
        rules.time_zone,
        rules.counts_since,
        rules.attribution_window_days,
        rules.attribution_counts_machine,
        {{ criterion('rules', 'deliveries.channel') }} as touch_metric
    from {{ ref('fct_achievements') }} as achievements
    inner join {{ ref('int_source_rules') }} as rules
        on
            achievements.workspace_id = rules.workspace_id
            and achievements.goal_id = rules.goal_id
            and achievements.goal_version = rules.goal_version
    inner join {{ ref('int_sendable_deliveries') }} as deliveries
        on
            achievements.profile_key = deliveries.profile_key
            and rules.source_id = deliveries.source_id
            and achievements.achieved_at >= deliveries.sent_at
    inner join {{ ref('stg_deliveries') }} as messages
        on
            deliveries.delivery_key = messages.delivery_key
            and achievements.workspace_id = messages.workspace_id
            and achievements.profile_id = messages.profile_id
    where deliveries.is_received and {{ is_candidate('deliveries', 'rules') }}

),

touch_times as (

    select
        candidates.achievement_id,
        candidates.delivery_id,
        candidates.sent_at as touch_at
    from candidates
    where {{ is_touch_time('candidates', "'sent'", 'candidates.sent_at', 'false') }}

    union all

    select
        candidates.achievement_id,
        candidates.delivery_id,
        engagements.occurred_at as touch_at
    from candidates
    inner join {{ ref('stg_engagements') }} as engagements
        on
            candidates.workspace_id = engagements.workspace_id
            and candidates.delivery_id = engagements.delivery_id
            and candidates.achieved_at >= engagements.occurred_at
            and engagements.metric <> 'sent'
            and {{ is_touch_time('candidates', 'engagements.metric', 'engagements.occurred_at', 'engagements.is_machine') }}

),

touches as (

    select
        achievement_id,
        delivery_id,
        max(touch_at) as touch_at
    from touch_times
    group by achievement_id, delivery_id

)

select
    candidates.*,
    touches.touch_at,
    coalesce(
        {{ is_in_attribution_window('touches.touch_at', 'candidates.achieved_at', 'candidates') }}, false
    ) as is_within_window
from candidates
left join touches
    on candidates.achievement_id = touches.achievement_id and candidates.delivery_id = touches.delivery_id
