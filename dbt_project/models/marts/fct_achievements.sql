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
        {{ key_of(['achievements.workspace_id', 'achievements.goal_id']) }} as goal_key,
        achievements.profile_key,
        max(achievements.achievement_number) as achievements
    from {{ this }} as achievements
    inner join {{ ref('int_affected_profiles') }} as affected
        on achievements.profile_key = affected.profile_key and achievements.achieved_at < affected.affected_from
    where achievements.profile_key in {{ profiles_of('reached') }}
    group by goal_key, achievements.profile_key

),

{% endif -%}
numbered as (

    select
        reached.*,
        {{ 'coalesce(kept.achievements, 0) + ' if not from_scratch() }}row_number() over (
            partition by {{ key_of(['reached.goal_key', 'reached.profile_key']) }}
            order by reached.achieved_at asc nulls last, reached.achievement_id asc nulls last
        ) as achievement_number
    from reached
    {%- if not from_scratch() %}
    left join kept on reached.goal_key = kept.goal_key and reached.profile_key = kept.profile_key
    {%- endif %}

)

select
    rules.workspace_id,
    rules.goal_id,
    rules.goal_version,
    numbered.profile_id,
    numbered.achievement_id,
    numbered.kind,
    numbered.natural_key,
    numbered.achieved_at,
    numbered.achievement_number,
    numbered.achievement_number = 1 as is_first,
    numbered.impact_value,
    rules.impact_currency,
    numbered.unconverted_currency,
    numbered.profile_key
from numbered
inner join {{ ref('int_goal_rules') }} as rules on numbered.rule_number = rules.rule_number
{%- if from_scratch() %}
-- In order of time, so that a later run can skip earlier row groups.
order by numbered.achieved_at
{%- endif %}
