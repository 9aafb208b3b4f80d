-- Grain: one row per profile that this run's new rows, or a changed definition, can affect, and affected_from: the earliest
-- moment at which they can change anything of it. THE place that decides what an incremental run recomputes; every model that
-- does so reads it (macros/recompute.sql).
-- Incremental: while a run has not succeeded, the watermark stands, and what it found affected stays affected.
{{ config(materialized='recompute', meta={'holds': 'scope', 'recompute_where': 'true'}) }}
{%- set snapshots = ref('base_profile_snapshots') %}
{%- set first_snapshot = "select min(observed_at) from " ~ snapshots ~ " where touched_after = " ~ watermark() %}

{%- if from_scratch() %}

select
    workspace_id,
    profile_id,
    profile_key,
    sent_at as affected_from,
    touched_after
from {{ ref('base_deliveries') }}
where false

{%- else %}

{#- The moment from which a touched row affects its profile. Of an event: a goal goes by one of its two clocks, and nothing occurs
    after its receipt. Each row of an event has the earliest receipt of them all, which new rows only move back: so its
    occurred_at is at or before every moment that the event had or has while it stands. #}
{%- set affects_from = {'profile_snapshots': 'observed_at', 'events': 'occurred_at', 'journeys': 'entered_at'} %}

-- Touched: a new row, or an older one with the key of a new one. Where a row moves to another profile, both are touched.
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
-- Who was in the goal state on entering earns a delivery no credit: a state matters to the deliveries of journeys entered from then
-- on, and some are sent before their journey entered.
early_deliveries as (

    select
        snapshots.workspace_id,
        snapshots.profile_id,
        snapshots.profile_key,
        deliveries.sent_at as affected_from
    from {{ ref('int_sendable_deliveries') }} as deliveries
    inner join touched_profile_snapshots as snapshots
        on deliveries.profile_key = snapshots.profile_key and deliveries.entered_at >= snapshots.affected_from
    where
        deliveries.sent_at < deliveries.entered_at
        and deliveries.entered_at >= {{ moment_or_end_of_time(asked_once(first_snapshot) if execute else []) }}

),

-- From its first touched engagement, or as a whole from its sending, whichever is earlier.
touched_deliveries as (

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
    {% for part in [
        'touched_profile_snapshots', 'early_deliveries', 'touched_events', 'touched_journeys', 'touched_deliveries',
        ref('int_affected_by_definitions'), 'unfinished',
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
