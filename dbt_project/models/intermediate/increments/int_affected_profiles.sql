-- Grain: one row per profile that this run's new rows, or a changed definition, can affect, and affected_from: the earliest
-- moment at which they can change anything of it. THE place that decides what an incremental run recomputes; every model that
-- does so reads it (macros/recompute.sql).
-- Incremental: until a run succeeds, the watermark does not move, and the profiles that failed runs found stay affected.
{{ config(materialized='recompute', meta={'holds': 'scope', 'recompute_where': 'true'}) }}
{%- set snapshots, changes = ref('base_profile_snapshots'), ref('base_profile_changes') %}
{%- set touched = " where touched_after = " ~ watermark() %}
{%- set first_observation = "select min(observed_at) from (select observed_at from " ~ snapshots ~ touched
    ~ " union all select changed_at from " ~ changes ~ touched ~ ") as observations" %}

{%- if from_scratch() %}

select
    workspace_id,
    profile_id,
    profile_key,
    entered_at as affected_from,
    touched_after
from {{ ref('base_journeys') }}
where false

{%- else %}

{#- The moment from which a touched row affects its profile. For an event: a goal uses one of its two clocks, and occurred_at is never
    after received_at. Every row of an event has the earliest receipt of all its rows, which new rows can only move back. So the
    occurred_at of a valid row is at or before every moment that the event has or had. #}
{%- set affects_from = {
    'profile_snapshots': 'observed_at', 'profile_changes': 'changed_at', 'events': 'occurred_at', 'journeys': 'entered_at',
} %}

-- Touched: a new row, or an older row with the same key. If a row moves to another profile, both profiles are touched.
with
{% for table, moment in affects_from.items() %}
touched_{{ table }} as (

    select
        workspace_id,
        profile_id,
        profile_key,
        {{ moment }} as affected_from
    from {{ ref('base_' ~ table) }}
    where touched_after = {{ watermark() }} and reason_code is null

),
{% endfor %}
-- A delivery earns no credit if the person was in the goal state on entering the journey. So a state affects the deliveries of
-- journeys entered from then on, and some deliveries are sent before their journey's entered_at.
early_deliveries as (

    select
        observations.workspace_id,
        observations.profile_id,
        observations.profile_key,
        deliveries.sent_at as affected_from
    from {{ ref('int_sendable_deliveries') }} as deliveries
    inner join (
        select * from touched_profile_snapshots
        union all
        select * from touched_profile_changes
    ) as observations
        on deliveries.profile_key = observations.profile_key and deliveries.entered_at >= observations.affected_from
    where
        deliveries.sent_at < deliveries.entered_at
        and deliveries.entered_at >= {{ moment_or_end_of_time(asked_once(first_observation) if execute else []) }}

),

unfinished as (

    select
        workspace_id,
        profile_id,
        profile_key,
        affected_from
    from {{ this }}
    where touched_after = {{ watermark() }}

),

affected as (
    {% for part in [
        'touched_profile_snapshots', 'touched_profile_changes', 'early_deliveries', 'touched_events', 'touched_journeys',
        ref('int_affected_by_deliveries'), ref('int_affected_by_definitions'), source('control', 'redo'), 'unfinished',
    ] %}
    select * from {{ part }}
    {% if not loop.last %}union all{% endif %}
    {%- endfor %}

)

select
    workspace_id,
    profile_id,
    profile_key,
    min(affected_from) as affected_from,
    cast({{ watermark() }} as bigint) as touched_after
from affected
where affected_from is not null and profile_key is not null
group by workspace_id, profile_id, profile_key

{%- endif %}
