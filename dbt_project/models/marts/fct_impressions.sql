-- Grain: one row per goal and received delivery of a source with the goal attached, and its outcome: the first check that
-- it failed, or enrolled (SEMANTICS, section 7).
-- Incremental: impressions of affected profiles from affected_from on are recomputed; int_first_impressions says which are first.
{{ config(materialized='recompute', meta={'recompute_from': 'received_at'}) }}

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
        when not coalesce(firsts.enrolls, false) then 'already_enrolled'
        else 'enrolled'
    end as outcome,
    coalesce(firsts.is_first, false) as is_first,
    coalesce(firsts.is_first_of_journey, false) as is_first_of_journey,
    impressions.profile_key
from {{ ref('int_impressions') }} as impressions
left join {{ affected_rows(ref('int_first_impressions'), 'received_at') }} as firsts
    on
        impressions.enrollment_key = firsts.enrollment_key
        and impressions.delivery_key = firsts.delivery_key
