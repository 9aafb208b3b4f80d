-- Grain: one row per achievement: the touch that gets the credit (the last one), or why there is none (SEMANTICS, section 8).
-- Attributed and unattributed rows together are all achievements.
-- Incremental: rows of recomputed achievements are recomputed.
{{ config(materialized='recompute', meta={'recompute_from': 'achieved_at'}) }}
{%- set reason_days = var('unattributed_reason_days') %}

with last_touches as (

    select
        *,
        {{ key_of(['achievement_id']) }} as achievement_key
    from {{ affected_rows(ref('fct_touches'), 'achieved_at') }} as touches
    where touch_number = touches

),

achievements as {{ read_where_used() }} (

    select
        *,
        {{ key_of(['achievement_id']) }} as achievement_key
    from {{ affected_rows(ref('fct_achievements'), 'achieved_at') }} as achievements

),

unattributed as (

    select
        achievements.achievement_key,
        achievements.profile_key,
        achievements.achieved_at,
        rules.rule_number
    from achievements
    inner join {{ ref('int_goal_rules') }} as rules
        on
            achievements.workspace_id = rules.workspace_id
            and achievements.goal_id = rules.goal_id
            and achievements.goal_version = rules.goal_version
    left join last_touches on achievements.achievement_key = last_touches.achievement_key
    where last_touches.achievement_key is null

),

-- The reason depends on the deliveries of the 90 days before the achievement (dbt_project.yml).
recent_deliveries as {{ read_where_used() }} (

    select * from {{ affected_rows(ref('int_sendable_deliveries'), 'sent_at', reaching_back_days=reason_days) }} as deliveries
    {%- if not from_scratch() %}
    where profile_key in {{ profiles_of('unattributed') }}
    {%- endif %}

),

candidates as (

    select
        deliveries.delivery_key,
        deliveries.profile_key,
        deliveries.sent_at,
        rules.rule_number,
        rules.counts_since,
        rules.attribution_counts_machine,
        {{ criterion('rules', 'deliveries.channel') }} as touch_metric
    from recent_deliveries as deliveries
    inner join {{ ref('int_source_rules') }} as rules
        on
            deliveries.workspace_id = rules.workspace_id
            and deliveries.source_id = rules.source_id
    where {{ together('deliveries.is_received and ' ~ is_candidate('deliveries', 'rules')) }}

),

recent_candidates as (

    select
        unattributed.achievement_key,
        unattributed.achieved_at,
        candidates.delivery_key,
        candidates.sent_at,
        candidates.counts_since,
        candidates.attribution_counts_machine,
        candidates.touch_metric
    from unattributed
    inner join candidates
        on
            unattributed.rule_number = candidates.rule_number
            and unattributed.profile_key = candidates.profile_key
            and unattributed.achieved_at >= candidates.sent_at
    where unattributed.achieved_at <= candidates.sent_at + {{ days(reason_days) }}

),

-- Engagements of deliveries that may be candidates. DuckDB sees that recent_deliveries is short, but not that recent_candidates
-- is.
engagements as (

    select engagements.*
    from {{ ref('stg_engagements') }} as engagements
    {%- if not from_scratch() %}
    inner join recent_deliveries on engagements.delivery_key = recent_deliveries.delivery_key
    {%- endif %}

),

reached as (

    select
        achievement_key,
        max(is_touched) as is_touched
    from (
        select
            achievement_key,
            case when {{ is_touch_time('candidates', "'sent'", 'candidates.sent_at', 'false') }} then 1 else 0 end as is_touched
        from recent_candidates as candidates

        union all

        select
            candidates.achievement_key,
            1 as is_touched
        from recent_candidates as candidates
        inner join engagements
            on
                candidates.delivery_key = engagements.delivery_key
                and engagements.metric <> 'sent'
                and candidates.achieved_at >= engagements.occurred_at
                and {{ is_touch_time('candidates', 'engagements.metric', 'engagements.occurred_at', 'engagements.is_machine') }}
    ) as touch_times
    group by achievement_key

)

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
    last_touches.achievement_key is not null as is_attributed,
    last_touches.touch_metric,
    last_touches.touch_at,
    case
        when last_touches.achievement_key is not null then null
        when reached.achievement_key is null then 'no_delivery'
        when reached.is_touched = 0 then 'no_qualifying_metric'
        else 'outside_window'
    end as unattributed_reason,
    achievements.achieved_at,
    achievements.is_first,
    achievements.impact_value,
    achievements.profile_key
from achievements
left join last_touches on achievements.achievement_key = last_touches.achievement_key
left join reached on achievements.achievement_key = reached.achievement_key
