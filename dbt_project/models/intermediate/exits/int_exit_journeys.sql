-- Grain: one row per journey, from data_start_at on, of a source with an exit condition: the source's row in force at
-- entered_at, or its earliest row if none is in force (SEMANTICS, section 9), and the predicate of its trigger filter with the
-- segments at entry.
-- Holds what this run computes: journeys of affected profiles.
{{ config(meta={'holds': 'increment'}) }}

with source_rows as (

    select
        *,
        case
            when lag(updated_at) over source_history is null then {{ beginning_of_time() }}
            else updated_at
        end as valid_from,
        lead(updated_at, 1, {{ end_of_time() }}) over source_history as valid_to
    from {{ of_readable_workspaces(ref('stg_sources')) }} as sources
    window source_history as (partition by workspace_id, source_id order by updated_at asc nulls last)

),

predicates as (

    select
        *,
        lead(pinned_at, 1, {{ end_of_time() }}) over (
            partition by workspace_id, owner_id, owner_updated_at order by pinned_at asc nulls last
        ) as pinned_until
    from {{ ref('int_predicates') }}
    where role = 'exit'

)

select
    journeys.workspace_id,
    journeys.journey_id,
    journeys.source_id,
    journeys.profile_id,
    journeys.journey_key,
    journeys.profile_key,
    journeys.entered_at,
    journeys.finished_at,
    source_rows.exit_condition,
    case when source_rows.exit_condition in ('goal', 'goal_or_unmatched') then source_rows.exit_goal_id end as exit_goal_id,
    predicates.predicate_number
from {{ affected_rows(ref('stg_journeys')) }} as journeys
inner join {{ ref('int_workspaces') }} as workspaces
    on journeys.workspace_id = workspaces.workspace_id and journeys.entered_at >= workspaces.data_start_at
inner join source_rows
    on
        journeys.workspace_id = source_rows.workspace_id
        and journeys.source_id = source_rows.source_id
        and journeys.entered_at >= source_rows.valid_from
        and journeys.entered_at < source_rows.valid_to
left join predicates
    on
        source_rows.workspace_id = predicates.workspace_id
        and source_rows.source_id = predicates.owner_id
        and source_rows.updated_at = predicates.owner_updated_at
        and journeys.entered_at >= predicates.pinned_at
        and journeys.entered_at < predicates.pinned_until
where source_rows.exit_condition <> 'never'
