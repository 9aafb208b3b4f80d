-- Grain: one row: what a profile matches before its first snapshot, when every property is missing (SEMANTICS, section 5).
{%- set words = profile_matches() %}

with nobody as (

    select {{ extract_properties("cast(null as string)", 'snapshot') }} as snapshot_values

),

unpacked as (

    select
        {{- unpack_properties('snapshot_values', 'snapshot', used_in=words | join) }}
        1 as one
    from nobody

)

select
    {{ list_of(words, 'bigint') }} as matches,
    {{ list_of(state_values(), 'string') }} as state_values
from unpacked
