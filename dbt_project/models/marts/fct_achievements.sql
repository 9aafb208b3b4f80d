-- Grain: one row per achievement: a moment at which a profile reaches a goal's target (SEMANTICS, section 6). Repeats are kept;
-- is_first counts people. Do not sum impact over goals: one event may reach several goals.
-- Incremental: achievements of affected profiles from affected_from on are recomputed; their numbers continue the earlier ones.
{{ config(materialized='recompute', meta={'recompute_from': 'achieved_at'}) }}

with reached as (

    select * from {{ ref('int_achievements') }}

),

{% if not from_scratch() -%}
kept as (

    select
        achievements.goal_id,
        achievements.profile_key,
        max(achievements.achievement_number) as achievements
    from {{ this }} as achievements
    inner join {{ ref('int_affected_profiles') }} as affected
        on achievements.profile_key = affected.profile_key and achievements.achieved_at < affected.affected_from
    where achievements.profile_key in (select profile_key from reached)
    group by achievements.goal_id, achievements.profile_key

),

{% endif -%}
numbered as (

    select
        reached.*,
        {{ 'coalesce(kept.achievements, 0) + ' if not from_scratch() }}row_number() over (
            partition by {{ key_of(['reached.goal_id', 'reached.profile_key']) }}
            order by reached.achieved_at asc nulls last, reached.achievement_id asc nulls last
        ) as achievement_number
    from reached
    {%- if not from_scratch() %}
    left join kept on reached.goal_id = kept.goal_id and reached.profile_key = kept.profile_key
    {%- endif %}

)

select
    workspace_id,
    goal_id,
    goal_version,
    profile_id,
    achievement_id,
    kind,
    natural_key,
    achieved_at,
    achievement_number,
    achievement_number = 1 as is_first,
    impact_value,
    impact_currency,
    unconverted_currency,
    profile_key
from numbered
{%- if from_scratch() %}
-- In order of time, so that a later run can skip earlier row groups.
order by achieved_at
{%- endif %}
