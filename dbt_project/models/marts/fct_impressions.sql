-- Grain: one row per goal and received delivery of a source with the goal attached, and what became of it: the first check that
-- it failed, or enrolled (SEMANTICS, section 7).
-- Incremental: those of affected profiles from affected_from on are computed anew; which are first says int_first_impressions.
{{ config(materialized='recompute', meta={'recompute_from': 'received_at'}) }}

with firsts as (

    select * from {{ affected_rows(ref('int_first_impressions'), 'received_at') }} as firsts

),

impressions as (

    select
        impressions.*,
        {{ key_of(['impressions.goal_id', 'impressions.profile_key']) }} as of_the_profile,
        {{ enrollment_key('impressions') }} as of_the_journey
    from {{ ref('int_impressions') }} as impressions

)

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
        when enrolled.first_of is null then 'already_enrolled'
        else 'enrolled'
    end as outcome,
    of_profile.first_of is not null as is_first,
    of_journey.first_of is not null as is_first_of_journey,
    impressions.profile_key
from impressions
left join firsts as enrolled
    on
        enrolled.kind = 'enrolled'
        and impressions.of_the_journey = enrolled.first_of
        and impressions.delivery_key = enrolled.delivery_key
left join firsts as of_profile
    on
        of_profile.kind = 'profile'
        and impressions.of_the_profile = of_profile.first_of
        and impressions.delivery_key = of_profile.delivery_key
left join firsts as of_journey
    on
        of_journey.kind = 'journey'
        and impressions.of_the_journey = of_journey.first_of
        and impressions.delivery_key = of_journey.delivery_key
