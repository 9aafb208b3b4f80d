-- Grain: one row per achievement, a moment at which a profile reaches a goal's target, within its evaluation window
-- (SEMANTICS, section 6).
-- A view of what this run computes: achievements of affected profiles from affected_from on.
{{ config(materialized='view', meta={'holds': 'increment'}) }}

with reached as (

    select * from {{ ref('int_profile_achievements') }}
    union all
    select * from {{ ref('int_event_achievements') }}
    union all
    select * from {{ ref('int_message_achievements') }}

),

judged as (

    select
        reached.*,
        rules.workspace_id,
        rules.goal_id,
        rules.goal_key,
        rules.evaluation_window_days,
        rules.evaluation_event_name,
        rules.event_clock
    from {{ affected_rows('reached', 'achieved_at') }} as reached
    inner join {{ ref('int_goal_rules') }} as rules on reached.rule_number = rules.rule_number

),

-- The anchors of evaluation windows: a profile's first event of each name, by both clocks, and its first snapshot.
first_events as (

    select
        profile_key,
        name,
        min(received_at) as first_received_at,
        min(occurred_at) as first_occurred_at
    from {{ affected_rows(ref('stg_events')) }} as events
    where name in (select evaluation_event_name from {{ ref('int_goal_rules') }})
    group by profile_key, name

),

first_snapshots as (

    select
        profile_key,
        first_observed_at as first_seen_at
    from {{ ref('dim_profiles') }}

),

with_anchors as (

    select
        judged.*,
        {{ evaluation_anchor('judged', 'first_events', 'first_snapshots.first_seen_at') }} as anchored_at
    from judged
    left join first_events
        on judged.profile_key = first_events.profile_key and judged.evaluation_event_name = first_events.name
    left join first_snapshots on judged.profile_key = first_snapshots.profile_key

)

select
    rule_number,
    goal_key,
    profile_id,
    profile_key,
    {{ surrogate_key(['workspace_id', 'goal_id', 'profile_id', 'kind', 'natural_key']) }} as achievement_id,
    kind,
    natural_key,
    achieved_at,
    impact_value,
    unconverted_currency
from with_anchors
where
    evaluation_window_days is null
    or (
        achieved_at >= anchored_at
        and {{ elapsed_microseconds('anchored_at', 'achieved_at') }} <= evaluation_window_days * 86400000000
    )
