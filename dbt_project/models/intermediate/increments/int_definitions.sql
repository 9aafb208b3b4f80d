-- Grain: one row per part of a definition that facts depend on, as it is now: its content, and the moment from which it matters.
-- From the differences to control.built_definitions, int_affected_profiles finds which facts a changed definition can change.
-- Owners: `goal` (a version in force, its filters with their segments, its sources), `exit` (a source's exit condition and
-- filter), `workspace` (since when its data count; whether it is unreadable). Names, descriptions and predicate numbers are not
-- included: no fact depends on them.
with goal_versions as (

    select
        workspace_id,
        'goal' as owner_kind,
        goal_id as owner_id,
        valid_from as matters_from,
        {{ surrogate_key([
            'cast(goal_version as string)', 'time_zone', 'cast(data_start_at as string)', 'cast(counts_since as string)',
            'cast(counts_until as string)', 'definition_hash', 'event_clock', 'impression', 'cast(webhook_message_ids as string)',
            'cast(measurement_window_days as string)', 'cast(attribution_window_days as string)',
            'cast(attribution_criteria as string)', 'cast(attribution_counts_machine as string)', 'cast(has_impact as string)',
            'goal_currency', 'cast(impact_value as string)', 'impact_event_property', 'impact_currency_property',
        ]) }} as content
    from {{ ref('int_goal_versions') }}

),

goal_filters as (

    select
        versions.workspace_id,
        'goal' as owner_kind,
        versions.goal_id as owner_id,
        versions.valid_from as matters_from,
        predicates.role || ' ' || predicates.predicate as content
    from {{ ref('int_predicates') }} as predicates
    inner join {{ ref('int_goal_versions') }} as versions
        on
            predicates.workspace_id = versions.workspace_id
            and predicates.owner_id = versions.goal_id
            and predicates.owner_updated_at = versions.goal_version
    where predicates.role in ('eligibility', 'profile', 'event', 'trigger_match')

),

goal_sources as (

    select
        versions.workspace_id,
        'goal' as owner_kind,
        versions.goal_id as owner_id,
        versions.valid_from as matters_from,
        'source ' || {{ moment_text('sources.attached_at') }} || ' ' || sources.source_id as content
    from {{ ref('int_goal_sources') }} as sources
    inner join {{ ref('int_goal_versions') }} as versions
        on
            sources.workspace_id = versions.workspace_id
            and sources.goal_id = versions.goal_id
            and sources.goal_version = versions.goal_version

),

workspaces as (

    select
        workspace_id,
        'workspace' as owner_kind,
        workspace_id as owner_id,
        {{ beginning_of_time() }} as matters_from,
        {{ moment_text('data_start_at') }} as content
    from {{ ref('int_workspaces') }}
    where data_start_at <> {{ beginning_of_time() }}

    union all

    select
        workspace_id,
        'workspace' as owner_kind,
        workspace_id as owner_id,
        {{ beginning_of_time() }} as matters_from,
        'unreadable' as content
    from {{ ref('int_unreadable_workspaces') }}

)

select * from goal_versions
union all
select * from goal_filters
union all
select * from goal_sources
union all
select
    workspace_id,
    'exit' as owner_kind,
    source_id as owner_id,
    matters_from,
    content
from {{ ref('int_exit_definitions') }}
union all
select * from workspaces
