-- Grain: one row per achievement, a moment at which a profile reaches a goal's target, numbered within goal and profile
-- (SEMANTICS, section 6). Do not sum over goals: one event may reach several.
with reached as (

    select *, {{ empty_list() }} as event_values from {{ ref('int_profile_achievements') }}
    union all
    select * from {{ ref('int_event_achievements') }}
    union all
    select *, {{ empty_list() }} as event_values from {{ ref('int_message_achievements') }}

),

-- The anchors of evaluation windows: a profile's first event of a name, by either clock, and its first snapshot.
first_events as (

    select
        workspace_id,
        profile_id,
        name,
        min(received_at) as first_received_at,
        min(occurred_at) as first_occurred_at
    from {{ ref('stg_events') }}
    where name in (select evaluation_event_name from {{ ref('int_goal_rules') }})
    group by workspace_id, profile_id, name

),

windowed_workspaces as (

    select workspace_id from {{ ref('int_goal_rules') }}
    where evaluation_window_days is not null

),

first_snapshots as (

    select
        workspace_id,
        profile_id,
        min(observed_at) as first_seen_at
    from {{ ref('stg_profile_snapshots') }}
    where workspace_id in (select workspace_id from windowed_workspaces)
    group by workspace_id, profile_id

),

with_anchors as (

    select
        reached.*,
        rules.impact_currency,
        rules.evaluation_window_days,
        case
            when rules.evaluation_event_name is null then first_snapshots.first_seen_at
            when rules.event_clock = 'occurred' then first_events.first_occurred_at
            else first_events.first_received_at
        end as anchored_at
    from reached
    inner join {{ ref('int_goal_rules') }} as rules
        on
            reached.workspace_id = rules.workspace_id
            and reached.goal_id = rules.goal_id
            and reached.goal_version = rules.goal_version
    left join first_events
        on
            reached.workspace_id = first_events.workspace_id
            and reached.profile_id = first_events.profile_id
            and rules.evaluation_event_name = first_events.name
    left join first_snapshots
        on
            reached.workspace_id = first_snapshots.workspace_id
            and reached.profile_id = first_snapshots.profile_id

),

identified as (

    select
        workspace_id,
        goal_id,
        goal_version,
        profile_id,
        {{ surrogate_key(['workspace_id', 'goal_id', 'profile_id', 'kind', 'natural_key']) }} as achievement_id,
        kind,
        natural_key,
        achieved_at,
        impact_value,
        impact_currency,
        event_values
    from with_anchors
    where
        evaluation_window_days is null
        or (
            achieved_at >= anchored_at
            and {{ elapsed_microseconds('anchored_at', 'achieved_at') }} <= evaluation_window_days * 86400000000
        )

)

select
    *,
    row_number() over (
        partition by workspace_id, goal_id, profile_id
        order by achieved_at asc nulls last, achievement_id asc nulls last
    ) as achievement_number
from identified
