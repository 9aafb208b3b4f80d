-- Grain: one row per goal, segment (its newest definition) and calendar day of the workspace: enrollments, up to as_of, of people
-- who were in the segment at enrolled_at (SEMANTICS, section 10). A conversion is on its own day. A person may be in several
-- segments: do not sum over segments.
-- Incremental: days from int_recounted_days on are recounted.
{{ config(
    materialized='recompute',
    meta={'recompute_where': "exists (
        select 1 from intermediate.int_recounted_days as recounted
        where recounted.workspace_id = kept.workspace_id and kept.calendar_day >= recounted.first_day
    )"},
) }}

with segments as (

    select
        workspace_id,
        owner_id as segment_id,
        predicate_number
    from {{ ref('int_predicates') }}
    where role = 'segment'

),

counted as (

    select
        workspace_id,
        goal_id,
        profile_key,
        enrolled_at,
        enrolled_at as moment,
        1 as enrolled,
        0 as converted
    from {{ recounted_rows(ref('fct_enrollments'), 'enrolled_at') }} as enrollments

    union all

    select
        workspace_id,
        goal_id,
        profile_key,
        enrolled_at,
        converted_at as moment,
        0 as enrolled,
        1 as converted
    from {{ recounted_rows(ref('fct_conversions'), 'converted_at') }} as conversions

),

-- Enrollments with the profile's state at enrolled_at.
with_states as (

    select
        counted.workspace_id,
        counted.goal_id,
        {{ calendar_day('counted.moment', 'workspaces.time_zone') }} as calendar_day,
        counted.enrolled,
        counted.converted,
        coalesce(states.matches, missing_state.matches) as matches
    from counted
    left join {{ ref('int_hours') }} as hours
        on counted.workspace_id = hours.workspace_id and date_trunc('hour', counted.moment) = hours.hour_start
    inner join {{ ref('int_workspaces') }} as workspaces on counted.workspace_id = workspaces.workspace_id
    inner join {{ ref('int_recounted_days') }} as recounted
        on counted.workspace_id = recounted.workspace_id and counted.moment <= recounted.as_of
    left join {{ ref('int_profile_states') }} as states
        on
            counted.profile_key = states.profile_key
            and counted.enrolled_at >= states.valid_from
            and counted.enrolled_at < states.valid_to
    cross join {{ ref('int_missing_state') }} as missing_state

)

select
    with_states.workspace_id,
    with_states.goal_id,
    segments.segment_id,
    with_states.calendar_day,
    cast(sum(with_states.enrolled) as bigint) as enrolled,
    cast(sum(with_states.converted) as bigint) as converted
from with_states
inner join segments on with_states.workspace_id = segments.workspace_id
inner join {{ ref('int_recounted_days') }} as recounted
    on with_states.workspace_id = recounted.workspace_id and with_states.calendar_day >= recounted.first_day
where {{ is_match('with_states.matches', 'segments.predicate_number') }}
group by with_states.workspace_id, with_states.goal_id, segments.segment_id, with_states.calendar_day
