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

impressions as (

    select
        workspace_id,
        goal_id,
        count(*) as impressions,
        count(distinct profile_id) as audience
    from {{ ref('fct_impressions') }}
    where received_at <= (select as_of from clock)
    group by workspace_id, goal_id

),

enrollments as (

    select
        workspace_id,
        goal_id,
        count(*) as enrollments,
        count(case when converted_at <= clock.as_of then 1 end) as conversions,
        count(case when window_ends_at < clock.as_of then 1 end) as closed_enrollments,
        count(case when window_ends_at < clock.as_of and converted_at <= clock.as_of then 1 end) as closed_conversions,
        percentile_cont(0.5) within group (
            order by case when converted_at <= clock.as_of then cast(seconds_to_convert as double) end
        ) as median_seconds_to_convert
    from {{ ref('fct_enrollments') }}
    cross join clock
    where enrolled_at <= clock.as_of
    group by workspace_id, goal_id

),

achievements as (

    select
        workspace_id,
        goal_id,
        count(case when is_first then 1 end) as achievers,
        count(case when is_first and is_attributed then 1 end) as attributed_achievers,
        count(case when is_first and not is_attributed then 1 end) as unattributed_achievers,
        sum(impact_value) as impact,
        sum(case when is_first then impact_value end) as impact_first
    from {{ ref('fct_attributions') }}
    where achieved_at <= (select as_of from clock)
    group by workspace_id, goal_id

),

-- Achievers who had an impression, whether before or after.
audience_achievers as (

    select
        achievements.workspace_id,
        achievements.goal_id,
        count(distinct achievements.profile_id) as audience_achievers
    from {{ ref('fct_achievements') }} as achievements
    inner join {{ ref('fct_impressions') }} as impressions
        on
            achievements.workspace_id = impressions.workspace_id
            and achievements.goal_id = impressions.goal_id
            and achievements.profile_id = impressions.profile_id
    where
        achievements.is_first
        and achievements.achieved_at <= (select as_of from clock)
        and impressions.received_at <= (select as_of from clock)
    group by achievements.workspace_id, achievements.goal_id

),

-- Deleted profiles included.
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
    coalesce(impressions.impressions, 0) as impressions,
    coalesce(enrollments.enrollments, 0) as enrollments,
    coalesce(enrollments.conversions, 0) as conversions,
    {{ rate('enrollments.conversions', 'enrollments.enrollments') }} as conversion_rate,
    {{ rate('enrollments.closed_conversions', 'enrollments.closed_enrollments') }} as closed_conversion_rate,
    coalesce(achievements.achievers, 0) as achievers,
    coalesce(achievements.attributed_achievers, 0) as attributed_achievers,
    coalesce(achievements.unattributed_achievers, 0) as unattributed_achievers,
    coalesce(achievements.impact, 0) as impact,
    coalesce(achievements.impact_first, 0) as impact_first,
    enrollments.median_seconds_to_convert,
    {{ rate('coalesce(achievements.achievers, 0)', 'profiles.profiles') }} as achiever_rate,
    coalesce(impressions.audience, 0) as audience,
    {{ rate('coalesce(audience_achievers.audience_achievers, 0)', 'impressions.audience') }} as audience_achiever_rate
from goals
left join impressions on goals.workspace_id = impressions.workspace_id and goals.goal_id = impressions.goal_id
left join enrollments on goals.workspace_id = enrollments.workspace_id and goals.goal_id = enrollments.goal_id
left join achievements on goals.workspace_id = achievements.workspace_id and goals.goal_id = achievements.goal_id
left join audience_achievers
    on goals.workspace_id = audience_achievers.workspace_id and goals.goal_id = audience_achievers.goal_id
left join profiles on goals.workspace_id = profiles.workspace_id
