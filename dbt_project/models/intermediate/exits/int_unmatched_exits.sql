-- Grain: one row per journey whose person stops matching the trigger filter (SEMANTICS, section 9): the first moment from
-- entered_at on at which the filter does not hold and still does not hold at the journey's next message (after the last
-- message: in the newest snapshot).
-- A view of what this run computes: journeys of affected profiles.
{{ config(materialized='view', meta={'holds': 'increment'}) }}

with journeys as (

    select * from {{ ref('int_exit_journeys') }}
    where predicate_number is not null

),

first_states as (

    select
        profile_key,
        min(valid_from) as first_state_at
    from {{ ref('int_profile_states') }}
    where profile_key in (select profile_key from journeys)
    group by profile_key

),

-- A person's states from entered_at on, including the one before the first snapshot.
states as (

    select
        journeys.workspace_id,
        journeys.journey_id,
        journeys.journey_key,
        journeys.entered_at,
        journeys.predicate_number,
        states.valid_from,
        states.valid_to,
        {{ is_match('states.matches', 'journeys.predicate_number') }} as is_matched
    from journeys
    inner join {{ ref('int_profile_states') }} as states
        on
            journeys.profile_key = states.profile_key
            and journeys.entered_at < states.valid_to

    union all

    select
        journeys.workspace_id,
        journeys.journey_id,
        journeys.journey_key,
        journeys.entered_at,
        journeys.predicate_number,
        {{ beginning_of_time() }} as valid_from,
        coalesce(first_states.first_state_at, {{ end_of_time() }}) as valid_to,
        {{ is_match('missing_state.matches', 'journeys.predicate_number') }} as is_matched
    from journeys
    left join first_states
        on journeys.profile_key = first_states.profile_key
    cross join {{ ref('int_missing_state') }} as missing_state
    where journeys.entered_at < coalesce(first_states.first_state_at, {{ end_of_time() }})

),

unmatched as (

    select
        workspace_id,
        journey_id,
        journey_key,
        greatest(entered_at, valid_from) as unmatched_at
    from states
    where not is_matched

),

messages as (

    select
        landed_journey_key as journey_key,
        sent_at
    from {{ ref('int_sendable_deliveries') }}
    where not needs_opt_in and landed_journey_key in (select journey_key from unmatched)

),

with_next_message as (

    select
        unmatched.workspace_id,
        unmatched.journey_id,
        unmatched.journey_key,
        unmatched.unmatched_at,
        -- After the last message the newest snapshot decides: the state just before the end of time.
        coalesce(min(messages.sent_at), {{ end_of_time() }} - interval '1' microsecond) as next_message_at
    from unmatched
    left join messages
        on
            unmatched.journey_key = messages.journey_key
            and unmatched.unmatched_at < messages.sent_at
    group by unmatched.workspace_id, unmatched.journey_id, unmatched.journey_key, unmatched.unmatched_at

)

select
    with_next_message.workspace_id,
    with_next_message.journey_id,
    min(with_next_message.unmatched_at) as exit_at
from with_next_message
inner join states
    on
        with_next_message.journey_key = states.journey_key
        and with_next_message.next_message_at >= states.valid_from
        and with_next_message.next_message_at < states.valid_to
        and not states.is_matched
group by with_next_message.workspace_id, with_next_message.journey_id
