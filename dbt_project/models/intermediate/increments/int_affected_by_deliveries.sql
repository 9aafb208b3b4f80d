-- Grain: one row per touched delivery: its profile, which it affects from its first touched engagement. If it is touched whole,
-- from its sending or the first of all its engagements, if that is earlier: the change affects what they reached. Part of
-- int_affected_profiles. A model of its own, so that DuckDB knows that int_touched_deliveries is short.
{{ config(materialized='view', meta={'holds': 'scope'}) }}

with first_engagements as (

    select
        engagements.delivery_key,
        min(engagements.occurred_at) as first_engaged_at
    from {{ ref('base_engagements') }} as engagements
    inner join {{ ref('int_touched_deliveries') }} as touched on engagements.delivery_key = touched.delivery_key
    where touched.is_touched_whole and engagements.reason_code is null
    group by engagements.delivery_key

)

select
    deliveries.workspace_id,
    deliveries.profile_id,
    deliveries.profile_key,
    case
        when touched.is_touched_whole then least(deliveries.sent_at, first_engagements.first_engaged_at)
        else touched.engaged_from
    end as affected_from
from {{ ref('base_deliveries') }} as deliveries
inner join {{ ref('int_touched_deliveries') }} as touched on deliveries.delivery_key = touched.delivery_key
left join first_engagements on deliveries.delivery_key = first_engagements.delivery_key
where
    deliveries.reason_code is null
    and (deliveries.sent_at >= {{ earliest_touched_send() }} or deliveries.sent_at is null)
