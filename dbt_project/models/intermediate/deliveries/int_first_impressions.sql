-- Grain: one row per impression that is, by (received_at, delivery_id), the first of at least one of these groups:
--   is_first             of a goal and profile
--   is_first_of_journey  of a goal, source, profile and journey (none: null)
--   enrolls              of the same, among those that pass both checks (SEMANTICS, section 7)
-- Incremental: for affected profiles, the first impression from affected_from on is searched again if there is none before.
{{ config(materialized='recompute', meta={'recompute_from': 'received_at'}) }}

-- A person seldom receives two deliveries at one microsecond. Only these are ordered by their ids: sorting by texts is slow.
with simultaneous as (

    select
        profile_key,
        received_at
    from {{ ref('int_impression_checks') }}
    group by profile_key, received_at
    having min(delivery_key) < max(delivery_key)

),

places as (

    select
        delivery_key,
        row_number() over (partition by profile_key order by delivery_id asc nulls last) as place
    from {{ ref('stg_deliveries') }}
    where delivery_key in (
        select checks.delivery_key
        from {{ ref('int_impression_checks') }} as checks
        inner join simultaneous
            on checks.profile_key = simultaneous.profile_key and checks.received_at = simultaneous.received_at
    )

),

impressions as (

    select
        checks.*,
        checks.is_eligible and not checks.is_in_goal_state as is_passing,
        coalesce(places.place, 0) as place
    from {{ ref('int_impression_checks') }} as checks
    left join places on checks.delivery_key = places.delivery_key

),

-- Windows can spill to disk; DuckDB's arg_min, with a group for each key, cannot.
numbered_in_journeys as (

    select
        *,
        row_number() over journey_history = 1 as is_first_of_journey,
        is_passing and count(case when is_passing then 1 end) over journey_history = 1 as enrolls
    from impressions
    window journey_history as (
        partition by enrollment_key
        order by received_at asc nulls last, place asc nulls last
        rows between unbounded preceding and current row
    )

),

-- The first impression of a goal and profile is also the first of a journey.
numbered as (

    select
        *,
        row_number() over (
            partition by goal_and_profile_key
            order by received_at asc nulls last, place asc nulls last
        ) = 1 as is_first
    from numbered_in_journeys
    where is_first_of_journey or enrolls

),

{% if not from_scratch() -%}
kept as (

    select kept.*
    from {{ this }} as kept
    inner join {{ ref('int_affected_profiles') }} as affected
        on kept.profile_key = affected.profile_key and kept.received_at < affected.affected_from

),

firsts as (

    select
        numbered.profile_key,
        numbered.delivery_key,
        numbered.received_at,
        numbered.goal_and_profile_key,
        numbered.enrollment_key,
        numbered.shared_journey_key,
        numbered.is_first and of_the_profile.goal_and_profile_key is null as is_first,
        numbered.is_first_of_journey and of_the_journey.enrollment_key is null as is_first_of_journey,
        numbered.enrolls and enrolled.enrollment_key is null as enrolls
    from numbered
    left join kept as of_the_profile
        on numbered.goal_and_profile_key = of_the_profile.goal_and_profile_key and of_the_profile.is_first
    left join kept as of_the_journey
        on numbered.enrollment_key = of_the_journey.enrollment_key and of_the_journey.is_first_of_journey
    left join kept as enrolled
        on numbered.enrollment_key = enrolled.enrollment_key and enrolled.enrolls

)

{%- else -%}
firsts as (

    select * from numbered

)
{%- endif %}

select
    profile_key,
    delivery_key,
    received_at,
    goal_and_profile_key,
    enrollment_key,
    case when is_first_of_journey then shared_journey_key end as shared_journey_key,
    is_first,
    is_first_of_journey,
    enrolls
from firsts
where is_first or is_first_of_journey or enrolls
