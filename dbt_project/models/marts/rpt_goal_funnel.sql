-- Grain: one row per funnel and step, up to as_of (SEMANTICS, section 10). Step 1 is a profile's first achievement of the step's
-- goal. Each later step is the earliest achievement of its goal at or after the previous step and within window_days of step 1.
-- Do not sum over steps.
{%- set longest = "select max(" ~ list_length('goal_ids') ~ ") from " ~ ref('stg_funnels') %}
{%- set found = asked_once(longest) if execute else [] %}
{%- set steps = (found[0][0] if found else none) or 1 %}
with funnels as (

    select
        *,
        row_number() over (partition by workspace_id, funnel_id order by updated_at desc nulls last) as number_from_the_newest
    from {{ of_readable_workspaces(ref('stg_funnels')) }} as funnel_rows

),

steps as (

    select
        workspace_id,
        funnel_id,
        step,
        {{ list_item('goal_ids', 'step') }} as goal_id,
        window_days
    from (
        select
            *,
            {{ one_row_a_position('goal_ids') }} as step
        from funnels
        where number_from_the_newest = 1
    ) as positions

),

achievements as (

    select
        achievements.workspace_id,
        achievements.goal_id,
        achievements.profile_key,
        achievements.achieved_at,
        achievements.is_first
    from {{ ref('fct_achievements') }} as achievements
    inner join {{ source('control', 'clock') }} as clock on achievements.achieved_at <= clock.as_of
    where achievements.goal_id in (select goal_id from steps)

),

reached_1 as (

    select
        steps.workspace_id,
        steps.funnel_id,
        achievements.profile_key,
        steps.step,
        achievements.achieved_at as first_reached_at,
        cast(null as timestamp) as previous_reached_at,
        achievements.achieved_at as reached_at
    from steps
    inner join achievements on steps.workspace_id = achievements.workspace_id and steps.goal_id = achievements.goal_id
    where steps.step = 1 and achievements.is_first

),

{% for step in range(2, steps + 1) -%}
reached_{{ step }} as (

    select
        reached.workspace_id,
        reached.funnel_id,
        reached.profile_key,
        steps.step,
        reached.first_reached_at,
        reached.reached_at as previous_reached_at,
        min(achievements.achieved_at) as reached_at
    from reached_{{ step - 1 }} as reached
    inner join steps
        on
            reached.workspace_id = steps.workspace_id
            and reached.funnel_id = steps.funnel_id
            and steps.step = {{ step }}
    inner join achievements
        on
            steps.workspace_id = achievements.workspace_id
            and steps.goal_id = achievements.goal_id
            and reached.profile_key = achievements.profile_key
            and reached.reached_at <= achievements.achieved_at
    where
        steps.window_days is null
        or {{ elapsed_microseconds('reached.first_reached_at', 'achievements.achieved_at') }}
        <= least(steps.window_days, 3652059) * 86400000000
    group by
        reached.workspace_id, reached.funnel_id, reached.profile_key, steps.step, reached.first_reached_at, reached.reached_at

),

{% endfor -%}
reached as (

    {%- for step in range(1, steps + 1) %}
    select * from reached_{{ step }}
    {{ 'union all' if not loop.last }}
    {%- endfor %}

),

counted as (

    select
        workspace_id,
        funnel_id,
        step,
        count(*) as profiles,
        percentile_cont(0.5) within group (
            order by {{ elapsed_microseconds('previous_reached_at', 'reached_at') }} / cast(1000000 as double)
        ) as median_seconds
    from reached
    group by workspace_id, funnel_id, step

),

filled as (

    select
        steps.workspace_id,
        steps.funnel_id,
        steps.step,
        steps.goal_id,
        coalesce(counted.profiles, 0) as profiles,
        counted.median_seconds,
        first_value(coalesce(counted.profiles, 0)) over funnel as first_profiles,
        lag(coalesce(counted.profiles, 0)) over funnel as previous_profiles
    from steps
    left join counted
        on
            steps.workspace_id = counted.workspace_id
            and steps.funnel_id = counted.funnel_id
            and steps.step = counted.step
    window funnel as (partition by steps.workspace_id, steps.funnel_id order by steps.step asc nulls last)

)

select
    workspace_id,
    funnel_id,
    step,
    goal_id,
    profiles,
    {{ rate('profiles', 'first_profiles') }} as share_of_first,
    {{ rate('profiles', 'previous_profiles') }} as share_of_previous,
    previous_profiles - profiles as drop_off,
    median_seconds
from filled
