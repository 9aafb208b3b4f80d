-- Grain: one row per goal that is not deleted: its figures up to as_of (SEMANTICS, section 10).
with clock as (

    select as_of from {{ source('control', 'clock') }}

),

goals as (

    select
        workspace_id,
        goal_id,
        status,
        is_locked
    from {{ ref('dim_goals') }}
    where is_current

),

counted as (

    select
        workspace_id,
        goal_id,
        cast(sum(impressions) as bigint) as impressions,
        cast(sum(enrollments) as bigint) as enrollments,
        cast(sum(conversions) as bigint) as conversions,
        sum(closed_enrollments) as closed_enrollments,
        sum(closed_conversions) as closed_conversions,
        cast(sum(achievers) as bigint) as achievers,
        cast(sum(case when source_id is not null then achievers end) as bigint) as attributed_achievers,
        cast(sum(case when source_id is null then achievers end) as bigint) as unattributed_achievers,
        sum(impact) as impact,
        sum(impact_first) as impact_first,
        cast(sum(audience) as bigint) as audience,
        sum(audience_achievers) as audience_achievers
    from {{ ref('int_goal_days') }}
    group by workspace_id, goal_id

),

conversions as (

    select
        workspace_id,
        goal_id,
        percentile_cont(0.5) within group (
            order by {{ elapsed_microseconds('enrolled_at', 'converted_at') }} / cast(1000000 as double)
        ) as median_seconds_to_convert
    from {{ ref('fct_conversions') }}
    where converted_at <= (select as_of from clock)
    group by workspace_id, goal_id

),

-- Includes deleted profiles.
profiles as (

    select
        workspace_id,
        count(*) as profiles
    from {{ ref('dim_profiles') }}
    where first_observed_at <= (select as_of from clock)
    group by workspace_id

)

select
    goals.workspace_id,
    goals.goal_id,
    goals.status,
    goals.is_locked,
    coalesce(counted.impressions, 0) as impressions,
    coalesce(counted.enrollments, 0) as enrollments,
    coalesce(counted.conversions, 0) as conversions,
    {{ rate('counted.conversions', 'counted.enrollments') }} as conversion_rate,
    {{ rate('counted.closed_conversions', 'counted.closed_enrollments') }} as closed_conversion_rate,
    coalesce(counted.achievers, 0) as achievers,
    coalesce(counted.attributed_achievers, 0) as attributed_achievers,
    coalesce(counted.unattributed_achievers, 0) as unattributed_achievers,
    coalesce(counted.impact, 0) as impact,
    coalesce(counted.impact_first, 0) as impact_first,
    currencies.currency,
    conversions.median_seconds_to_convert,
    {{ rate('coalesce(counted.achievers, 0)', 'profiles.profiles') }} as achiever_rate,
    coalesce(counted.audience, 0) as audience,
    {{ rate('counted.audience_achievers', 'counted.audience') }} as audience_achiever_rate
from goals
left join counted on goals.workspace_id = counted.workspace_id and goals.goal_id = counted.goal_id
left join conversions on goals.workspace_id = conversions.workspace_id and goals.goal_id = conversions.goal_id
left join profiles on goals.workspace_id = profiles.workspace_id
left join {{ ref('int_goal_currencies') }} as currencies
    on goals.workspace_id = currencies.workspace_id and goals.goal_id = currencies.goal_id
