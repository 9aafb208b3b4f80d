-- Grain: one row per goal and source: the newest version's sources, and any source with an impression up to as_of (SEMANTICS,
-- section 10). Do not sum conversions or impact over sources: one achievement may convert enrollments of several.
with counted as (

    -- A delivery is at most one impression of a goal, so impressions are also the number of deliveries.
    select
        workspace_id,
        goal_id,
        source_id,
        cast(sum(impressions) as bigint) as impressions,
        cast(sum(not_eligible) as bigint) as not_eligible,
        cast(sum(already_achieved) as bigint) as already_achieved,
        cast(sum(already_enrolled) as bigint) as already_enrolled,
        cast(sum(journeys) as bigint) as journeys,
        cast(sum(enrollments) as bigint) as enrollments,
        cast(sum(conversions) as bigint) as conversions,
        sum(closed_enrollments) as closed_enrollments,
        sum(closed_conversions) as closed_conversions,
        cast(sum(achievers) as bigint) as attributed_achievers,
        cast(sum(achievements) as bigint) as attributed_achievements,
        sum(impact) as attributed_impact
    from {{ ref('int_goal_days') }}
    where source_id is not null
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
    from counted
    where impressions > 0

),

delivery_conversions as (

    select
        workspace_id,
        goal_id,
        source_id,
        count(distinct journey_id) as converted_journeys,
        count(*) as converted_deliveries
    from {{ ref('fct_delivery_conversions') }}
    where first_converted_at <= (select as_of from {{ source('control', 'clock') }})
    group by workspace_id, goal_id, source_id

)

select
    listed.workspace_id,
    listed.goal_id,
    listed.source_id,
    coalesce(counted.impressions, 0) as impressions,
    coalesce(counted.not_eligible, 0) as not_eligible,
    coalesce(counted.already_achieved, 0) as already_achieved,
    coalesce(counted.already_enrolled, 0) as already_enrolled,
    coalesce(counted.enrollments, 0) as enrollments,
    coalesce(counted.conversions, 0) as conversions,
    {{ rate('counted.conversions', 'counted.enrollments') }} as conversion_rate,
    {{ rate('counted.closed_conversions', 'counted.closed_enrollments') }} as closed_conversion_rate,
    coalesce(counted.journeys, 0) as journeys,
    coalesce(delivery_conversions.converted_journeys, 0) as converted_journeys,
    {{ rate('coalesce(delivery_conversions.converted_journeys, 0)', 'counted.journeys') }} as converted_journey_share,
    coalesce(counted.impressions, 0) as deliveries,
    coalesce(delivery_conversions.converted_deliveries, 0) as converted_deliveries,
    {{ rate('coalesce(delivery_conversions.converted_deliveries, 0)', 'counted.impressions') }} as converted_delivery_share,
    coalesce(counted.attributed_achievers, 0) as attributed_achievers,
    coalesce(counted.attributed_achievements, 0) as attributed_achievements,
    coalesce(counted.attributed_impact, 0) as attributed_impact,
    currencies.currency
from listed
left join counted
    on
        listed.workspace_id = counted.workspace_id
        and listed.goal_id = counted.goal_id
        and listed.source_id = counted.source_id
left join delivery_conversions
    on
        listed.workspace_id = delivery_conversions.workspace_id
        and listed.goal_id = delivery_conversions.goal_id
        and listed.source_id = delivery_conversions.source_id
left join {{ ref('int_goal_currencies') }} as currencies
    on listed.workspace_id = currencies.workspace_id and listed.goal_id = currencies.goal_id
