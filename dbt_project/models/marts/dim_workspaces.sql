-- Grain: one row per workspace that any staged row names. A workspace that has not landed has the defaults (SEMANTICS, section
-- 1). as_of is the clock: every report counts until then.
-- Incremental: once named, always named. So a run reads the rows that it takes in, and the workspaces named before.
{{ config(materialized='recompute', meta={'recompute_where': 'true'}) }}

with named as (

    {% for table in raw_tables() -%}
    {{ 'union' if not loop.first }}
    select workspace_id
    from {{ ref('base_' ~ table) }}
    where reason_code is null{% if not from_scratch() %} and touched_after = {{ watermark() }}{% endif %}
    {% endfor -%}
    {% if not from_scratch() -%}
    union
    select workspace_id
    from {{ this }}
    {%- endif %}

)

select
    named.workspace_id,
    workspaces.name,
    coalesce(workspaces.time_zone, 'UTC') as time_zone,
    coalesce(workspaces.currency, 'USD') as currency,
    workspaces.data_start_at,
    clock.as_of
from {{ of_readable_workspaces('named') }} as named
left join {{ ref('stg_workspaces') }} as workspaces on named.workspace_id = workspaces.workspace_id
cross join {{ source('control', 'clock') }} as clock
