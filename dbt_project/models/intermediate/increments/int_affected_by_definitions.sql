-- Grain: one row per profile and changed definition that affects it, and from when: every profile in the workspace, or every
-- profile that has entered a journey of the source since. Part of int_affected_profiles. A part has changed if only one of two
-- tables has it: int_definitions, the definitions now, and control.built_definitions, the definitions that the kept facts were
-- built with.
{{ config(materialized='view', meta={'holds': 'scope'}) }}

with changed_definitions as (

    select
        workspace_id,
        owner_kind,
        owner_id,
        min(matters_from) as matters_from
    from (
        (
            select * from {{ ref('int_definitions') }}
            except
            select * from {{ source('control', 'built_definitions') }}
        )
        union all
        (
            select * from {{ source('control', 'built_definitions') }}
            except
            select * from {{ ref('int_definitions') }}
        )
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

    {% for table in ['profile_snapshots', 'profile_changes', 'events', 'journeys', 'deliveries'] %}
    select
        workspace_id,
        profile_id,
        profile_key
    from {{ ref('base_' ~ table) }}
    where workspace_id in (select workspace_id from changed_workspaces) and reason_code is null
    {% if not loop.last %}union{% endif %}
    {%- endfor %}

)

select
    everybody.workspace_id,
    everybody.profile_id,
    everybody.profile_key,
    changed_workspaces.matters_from as affected_from
from everybody
inner join changed_workspaces on everybody.workspace_id = changed_workspaces.workspace_id

union all

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
