-- Grain: one row per part of a source's exit condition, as it is now: its content, and since when it matters to the journeys that
-- enter. Part of int_definitions.
{{ config(materialized='view') }}

-- A source's exit condition, where it is another than the row's before: a new source without one changes nothing.
with exit_conditions as (

    select
        workspace_id,
        source_id,
        case when previous_updated_at is null then {{ beginning_of_time() }} else updated_at end as matters_from,
        exit_content as content
    from (
        select
            *,
            lag(updated_at) over source_history as previous_updated_at,
            lag(exit_content, 1, 'never') over source_history as previous_content
        from (
            select
                *,
                case exit_condition
                    when 'never' then 'never'
                    else exit_condition || ' ' || coalesce(exit_goal_id, '') || ' ' || coalesce(normal_form, '')
                end as exit_content
            from {{ ref('stg_sources') }}
        ) as sources
        window source_history as (partition by workspace_id, source_id order by updated_at asc nulls last)
    ) as history
    where exit_content <> previous_content

),

first_source_rows as (

    select
        workspace_id,
        source_id,
        min(updated_at) as first_updated_at
    from {{ ref('stg_sources') }}
    group by workspace_id, source_id

),

exit_filters as (

    select
        predicates.workspace_id,
        predicates.owner_id as source_id,
        greatest(
            predicates.pinned_at,
            case
                when predicates.owner_updated_at = sources.first_updated_at then {{ beginning_of_time() }}
                else predicates.owner_updated_at
            end
        ) as matters_from,
        predicates.predicate as content
    from {{ ref('int_predicates') }} as predicates
    inner join first_source_rows as sources
        on predicates.workspace_id = sources.workspace_id and predicates.owner_id = sources.source_id
    where predicates.role = 'exit'

)

select * from exit_conditions
union all
select * from exit_filters
