-- Grain: one row per profile that this run's new rows, or a changed definition, can affect, and affected_from: the earliest
-- moment at which they can change anything of it. THE place that decides what an incremental run recomputes; every model that
-- does so reads it (macros/recompute.sql).
-- Incremental: while a run has not succeeded, the watermark stands, and what it found affected stays affected.
{{ config(materialized='recompute', meta={'holds': 'scope', 'recompute_where': 'true'}) }}
{%- set snapshots = ref('base_profile_snapshots') %}
{%- set touched_snapshots = "select min(observed_at) from " ~ snapshots ~ " where touched_after = " ~ watermark() %}

{%- if from_scratch() %}

select
    workspace_id,
    profile_id,
    profile_key,
    sent_at as affected_from,
    touched_after
from {{ ref('base_deliveries') }}
where false
-- {{ ref('base_events') }} {{ ref('base_journeys') }}
-- {{ ref('int_touched_deliveries') }} {{ ref('int_sendable_deliveries') }} {{ ref('int_affected_by_definitions') }}

{%- else %}

-- Touched: a new row, or an older one with the key of a new one. Where a row moves to another profile, both are touched.
with snapshots as (

    select
        workspace_id,
        profile_id,
        profile_key,
        observed_at as affected_from
    from {{ snapshots }}
    where touched_after = {{ watermark() }} and reason_code is null

),

-- Who was in the goal state on entering earns a delivery no credit: a state matters to the deliveries of journeys entered from then
-- on, and some are sent before their journey entered.
early_deliveries as (

    select
        snapshots.workspace_id,
        snapshots.profile_id,
        snapshots.profile_key,
        deliveries.sent_at as affected_from
    from {{ ref('int_sendable_deliveries') }} as deliveries
    inner join snapshots on deliveries.profile_key = snapshots.profile_key and deliveries.entered_at >= snapshots.affected_from
    where
        deliveries.sent_at < deliveries.entered_at
        and deliveries.entered_at >= {{ moment_or_end_of_time(asked_once(touched_snapshots) if execute else []) }}

),

-- A goal goes by one of the two clocks, and nothing occurs after its receipt. Each row of an event has the earliest receipt of
-- them all, which new rows only move back: so its occurred_at is at or before every moment that the event had or has while it
-- stands.
events as (

    select
        workspace_id,
        profile_id,
        profile_key,
        occurred_at as affected_from
    from {{ ref('base_events') }}
    where touched_after = {{ watermark() }} and reason_code is null

),

journeys as (

    select
        workspace_id,
        profile_id,
        profile_key,
        entered_at as affected_from
    from {{ ref('base_journeys') }}
    where touched_after = {{ watermark() }} and reason_code is null

),

-- From its first touched engagement, or as a whole from its sending, whichever is earlier.
deliveries as (

    select
        deliveries.workspace_id,
        deliveries.profile_id,
        deliveries.profile_key,
        case when touched.is_touched_whole then least(deliveries.sent_at, touched.engaged_from) else touched.engaged_from end
            as affected_from
    from {{ ref('base_deliveries') }} as deliveries
    inner join {{ ref('int_touched_deliveries') }} as touched on deliveries.delivery_key = touched.delivery_key
    where
        deliveries.reason_code is null
        and (deliveries.sent_at >= {{ earliest_touched_send() }} or deliveries.sent_at is null)

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
    {% for part in ['snapshots', 'early_deliveries', 'events', 'journeys', 'deliveries', ref('int_affected_by_definitions'), 'unfinished'] %}
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
