-- Grain: one row per impression that is, by (received_at, delivery_id), the first of something:
--   is_first             of a goal and profile
--   is_first_of_journey  of a goal, source, profile and journey (none: null)
--   enrolls              of the same, among those that pass both checks (SEMANTICS, section 7)
-- Incremental: the firsts of affected profiles from affected_from on are looked for again, where none lies before.
{{ config(materialized='recompute', meta={'recompute_from': 'received_at'}) }}

with impressions as (

    select
        profile_key,
        delivery_key,
        delivery_id,
        received_at,
        is_eligible and not is_in_goal_state as is_passing,
        {{ key_of(['goal_id', 'profile_key']) }} as goal_and_profile_key,
        {{ enrollment_key('impressions') }} as enrollment_key,
        {{ shared_journey_key('impressions') }} as shared_journey_key
    from {{ ref('int_impressions') }} as impressions

),

-- By windows, which spill to disk; DuckDB's arg_min, a group for each key, does not.
numbered_in_journeys as (

    select
        *,
        row_number() over journey_history = 1 as is_first_of_journey,
        is_passing and count(case when is_passing then 1 end) over journey_history = 1 as enrolls
    from impressions
    window journey_history as (
        partition by enrollment_key
        order by received_at asc nulls last, delivery_id asc nulls last
        rows between unbounded preceding and current row
    )

),

-- The first of a goal and profile is the first of a journey, too.
numbered as (

    select
        *,
        row_number() over (
            partition by goal_and_profile_key
            order by received_at asc nulls last, delivery_id asc nulls last
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
    left join (select goal_and_profile_key from kept where is_first) as of_the_profile
        on numbered.goal_and_profile_key = of_the_profile.goal_and_profile_key
    left join (select enrollment_key from kept where is_first_of_journey) as of_the_journey
        on numbered.enrollment_key = of_the_journey.enrollment_key
    left join (select enrollment_key from kept where enrolls) as enrolled
        on numbered.enrollment_key = enrolled.enrollment_key

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
