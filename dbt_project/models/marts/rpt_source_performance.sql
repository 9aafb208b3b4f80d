-- Grain: one row per goal and source: the newest version's sources, and any with an impression up to as_of (SEMANTICS,
-- section 10). Do not sum conversions or impact over sources: one achievement may convert enrollments of several.
with clock as (

    select as_of from {{ source('control', 'clock') }}

),

impressions as (

    select
        workspace_id,
        goal_id,
        source_id,
        count(*) as impressions,
        count(case when outcome = 'not_eligible' then 1 end) as not_eligible,
        count(case when outcome = 'already_achieved' then 1 end) as already_achieved,
        count(case when outcome = 'already_enrolled' then 1 end) as already_enrolled,
        count(distinct journey_id) as journeys,
        count(distinct delivery_id) as deliveries
    from {{ ref('fct_impressions') }}
    where received_at <= (select as_of from clock)
    group by workspace_id, goal_id, source_id

),

listed as (

    select
        workspace_id,
        goal_id,
        {{ one_row_an_item('sources') }} as source_id
    from {{ ref('dim_goals') }}
    where is_current

    union

    select
        workspace_id,
        goal_id,
        source_id
    from impressions

),

enrollments as (

    select
        workspace_id,
        goal_id,
        source_id,
        count(*) as enrollments,
        count(case when converted_at <= clock.as_of then 1 end) as conversions,
        count(case when window_ends_at < clock.as_of then 1 end) as closed_enrollments,
        count(case when window_ends_at < clock.as_of and converted_at <= clock.as_of then 1 end) as closed_conversions
    from {{ ref('fct_enrollments') }}
    cross join clock
    where enrolled_at <= clock.as_of
    group by workspace_id, goal_id, source_id

),

delivery_conversions as (

    select
        workspace_id,
        goal_id,
        source_id,
        count(distinct journey_id) as converted_journeys,
        count(*) as converted_deliveries
    from {{ ref('fct_delivery_conversions') }}
    where first_converted_at <= (select as_of from clock)
    group by workspace_id, goal_id, source_id

),

attributions as (

    select
        workspace_id,
        goal_id,
        source_id,
        count(case when is_first then 1 end) as attributed_achievers,
        count(*) as attributed_achievements,
        sum(impact_value) as attributed_impact
    from {{ ref('fct_attributions') }}
    where is_attributed and achieved_at <= (select as_of from clock)
    group by workspace_id, goal_id, source_id

)

select
    listed.workspace_id,
    listed.goal_id,
    listed.source_id,
    coalesce(impressions.impressions, 0) as impressions,
    coalesce(impressions.not_eligible, 0) as not_eligible,
    coalesce(impressions.already_achieved, 0) as already_achieved,
    coalesce(impressions.already_enrolled, 0) as already_enrolled,
    coalesce(enrollments.enrollments, 0) as enrollments,
    coalesce(enrollments.conversions, 0) as conversions,
    {{ rate('enrollments.conversions', 'enrollments.enrollments') }} as conversion_rate,
    {{ rate('enrollments.closed_conversions', 'enrollments.closed_enrollments') }} as closed_conversion_rate,
    coalesce(impressions.journeys, 0) as journeys,
    coalesce(delivery_conversions.converted_journeys, 0) as converted_journeys,
    {{ rate('coalesce(delivery_conversions.converted_journeys, 0)', 'impressions.journeys') }} as converted_journey_share,
    coalesce(impressions.deliveries, 0) as deliveries,
    coalesce(delivery_conversions.converted_deliveries, 0) as converted_deliveries,
    {{ rate('coalesce(delivery_conversions.converted_deliveries, 0)', 'impressions.deliveries') }} as converted_delivery_share,
    coalesce(attributions.attributed_achievers, 0) as attributed_achievers,
    coalesce(attributions.attributed_achievements, 0) as attributed_achievements,
    coalesce(attributions.attributed_impact, 0) as attributed_impact
from listed
left join impressions
    on
        listed.workspace_id = impressions.workspace_id
        and listed.goal_id = impressions.goal_id
        and listed.source_id = impressions.source_id
left join enrollments
    on
        listed.workspace_id = enrollments.workspace_id
        and listed.goal_id = enrollments.goal_id
        and listed.source_id = enrollments.source_id
left join delivery_conversions
    on
        listed.workspace_id = delivery_conversions.workspace_id
        and listed.goal_id = delivery_conversions.goal_id
        and listed.source_id = delivery_conversions.source_id
left join attributions
    on
        listed.workspace_id = attributions.workspace_id
        and listed.goal_id = attributions.goal_id
        and listed.source_id = attributions.source_id
