-- Grain: one row per profile that this run's new rows, or a changed definition, can affect, and affected_from: the earliest
-- moment at which they can change anything of it. THE place that decides what an incremental run recomputes; every model that
-- does so reads it (macros/recompute.sql).
-- Incremental: while a run has not succeeded, the watermark stands, and what it found affected stays affected.
{{ config(materialized='recompute', meta={'holds': 'scope', 'recompute_where': 'true'}) }}

{%- if from_scratch() %}

select
    workspace_id,
    profile_id,
    profile_key,
    sent_at as affected_from,
    touched_after
from {{ ref('base_deliveries') }}
where false
-- {{ ref('base_profile_snapshots') }} {{ ref('base_events') }} {{ ref('base_journeys') }} {{ ref('base_engagements') }}
-- {{ ref('int_touched_deliveries') }} {{ ref('int_sendable_deliveries') }} {{ ref('int_definitions') }}
-- {{ source('control', 'built_definitions') }}

{%- else %}

-- Touched: a new row, or an older one with the key of a new one. Where a row moves to another profile, both are touched.
with snapshots as (

    select
        workspace_id,
        profile_id,
        profile_key,
        observed_at as affected_from
    from {{ ref('base_profile_snapshots') }}
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
    where deliveries.sent_at < deliveries.entered_at

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

touched_deliveries as (

    select
        deliveries.workspace_id,
        deliveries.profile_id,
        deliveries.profile_key,
        deliveries.delivery_key,
        deliveries.sent_at,
        touched.is_touched_whole
    from {{ ref('base_deliveries') }} as deliveries
    inner join {{ ref('int_touched_deliveries') }} as touched on deliveries.delivery_key = touched.delivery_key
    where deliveries.reason_code is null

),

engagements as (

    select
        deliveries.workspace_id,
        deliveries.profile_id,
        deliveries.profile_key,
        engagements.occurred_at as affected_from
    from {{ ref('base_engagements') }} as engagements
    inner join touched_deliveries as deliveries on engagements.delivery_key = deliveries.delivery_key
    where engagements.touched_after = {{ watermark() }} and engagements.reason_code is null

),

-- A delivery that is touched as a whole changes what it was sent for and what its engagements, which may lie before, reached.
first_engagements as (

    select
        engagements.delivery_key,
        min(engagements.occurred_at) as first_engaged_at
    from {{ ref('base_engagements') }} as engagements
    inner join {{ ref('int_touched_deliveries') }} as touched on engagements.delivery_key = touched.delivery_key
    where touched.is_touched_whole and engagements.reason_code is null
    group by engagements.delivery_key

),

deliveries as (

    select
        deliveries.workspace_id,
        deliveries.profile_id,
        deliveries.profile_key,
        least(deliveries.sent_at, first_engagements.first_engaged_at) as affected_from
    from touched_deliveries as deliveries
    left join first_engagements on deliveries.delivery_key = first_engagements.delivery_key
    where deliveries.is_touched_whole

),

-- A definition that differs from the one that the kept facts stand for matters from its moment on, to everybody; an exit condition
-- to whose journey entered since.
changed_definitions as (

    select
        workspace_id,
        owner_kind,
        owner_id,
        min(matters_from) as matters_from
    from (
        (select * from {{ ref('int_definitions') }} except select * from {{ source('control', 'built_definitions') }})
        union all
        (select * from {{ source('control', 'built_definitions') }} except select * from {{ ref('int_definitions') }})
    ) as differing
    group by workspace_id, owner_kind, owner_id

),

changed_workspaces as (

    select
        workspace_id,
        min(matters_from) as matters_from
    from changed_definitions
    where owner_kind <> 'exit'
    group by workspace_id

),

everybody as (
{% for table in ['profile_snapshots', 'events', 'journeys', 'deliveries'] %}
    select distinct
        workspace_id,
        profile_id,
        profile_key
    from {{ ref('base_' ~ table) }}
    where workspace_id in (select workspace_id from changed_workspaces) and reason_code is null
    {{ 'union' if not loop.last }}
{%- endfor %}

),

definitions as (

    select
        everybody.*,
        changed_workspaces.matters_from as affected_from
    from everybody
    inner join changed_workspaces on everybody.workspace_id = changed_workspaces.workspace_id

),

exits as (

    select
        journeys.workspace_id,
        journeys.profile_id,
        journeys.profile_key,
        journeys.entered_at as affected_from
    from {{ ref('base_journeys') }} as journeys
    inner join changed_definitions as changed
        on
            journeys.workspace_id = changed.workspace_id
            and journeys.source_id = changed.owner_id
            and journeys.entered_at >= changed.matters_from
    where changed.owner_kind = 'exit' and journeys.reason_code is null

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
{% for part in ['snapshots', 'early_deliveries', 'events', 'journeys', 'engagements', 'deliveries', 'definitions', 'exits', 'unfinished'] %}
    select * from {{ part }}
    {{ 'union all' if not loop.last }}
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
