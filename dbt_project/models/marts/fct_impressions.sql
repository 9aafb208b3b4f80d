-- Grain: one row per goal and received delivery of a source with the goal attached, and what became of it: the first check that
-- it failed, or enrolled (SEMANTICS, section 7).
-- Incremental: those of affected profiles from affected_from on are computed anew; who was enrolled before stays so.
{{ config(materialized='incremental', incremental_strategy='recompute', meta={'recompute_from': 'received_at'}) }}

with numbered as (

    select
        *,
        -- Of the impressions of a goal, source, profile and journey that pass both checks the first enrolls.
        row_number() over (
            partition by goal_id, source_id, profile_key, journey_id, is_eligible and not is_in_goal_state
            order by received_at asc nulls last, delivery_id asc nulls last
        ) as passing_number,
        row_number() over (
            partition by goal_id, profile_key
            order by received_at asc nulls last, delivery_id asc nulls last
        ) as number_of_profile
    from {{ ref('int_impressions') }}

)
{%- if not from_scratch() %},

kept as (

    select
        impressions.goal_id,
        impressions.source_id,
        impressions.profile_key,
        impressions.journey_id,
        impressions.outcome
    from {{ this }} as impressions
    inner join {{ ref('int_affected_profiles') }} as affected
        on impressions.profile_key = affected.profile_key and impressions.received_at < affected.affected_from

),

already_enrolled as (

    select
        goal_id,
        source_id,
        profile_key,
        journey_id
    from kept
    where outcome = 'enrolled'

),

earlier as (

    select distinct
        goal_id,
        profile_key
    from kept

)
{%- endif %}

select
    impressions.workspace_id,
    impressions.goal_id,
    impressions.goal_version,
    impressions.profile_id,
    impressions.source_id,
    impressions.journey_id,
    impressions.delivery_id,
    impressions.message_id,
    impressions.channel,
    impressions.received_at,
    case
        when not impressions.is_eligible then 'not_eligible'
        when impressions.is_in_goal_state then 'already_achieved'
        when impressions.passing_number > 1 then 'already_enrolled'
        {%- if not from_scratch() %}
        when already_enrolled.goal_id is not null then 'already_enrolled'
        {%- endif %}
        else 'enrolled'
    end as outcome,
    impressions.number_of_profile = 1{{ ' and earlier.goal_id is null' if not from_scratch() }} as is_first,
    impressions.profile_key
from numbered as impressions
{%- if not from_scratch() %}
left join already_enrolled  -- noqa: ST11
    on
        impressions.goal_id = already_enrolled.goal_id
        and impressions.source_id = already_enrolled.source_id
        and impressions.profile_key = already_enrolled.profile_key
        and impressions.journey_id is not distinct from already_enrolled.journey_id
left join earlier
    on impressions.goal_id = earlier.goal_id and impressions.profile_key = earlier.profile_key
{%- endif %}
