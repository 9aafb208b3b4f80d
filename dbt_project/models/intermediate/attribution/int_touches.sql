-- Grain: one row per achievement and qualifying delivery: its touch, the latest touch time before the achievement, inside the
-- attribution window (SEMANTICS, section 8). The newest touch time is inside the window if any is.
-- Holds what this run computes: the touches of achievements that are recomputed. It goes by integers: int_touch_credits brings
-- the texts. A table, so that DuckDB knows how few they are where it looks up their deliveries.
--
-- A profile may have thousands of achievements and of touch times, so both are cut into buckets of time as long as the longest
-- window: an achievement's touches are all in its own bucket or the one before.
{{ config(meta={'holds': 'increment'}) }}
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

touch_times_by_bucket as (

    select
        *,
        {{ bucket_of('touch_at', days_a_bucket) }} as bucket
    from {{ ref('int_touch_times') }}

)

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
inner join touch_times_by_bucket as touch_times
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
