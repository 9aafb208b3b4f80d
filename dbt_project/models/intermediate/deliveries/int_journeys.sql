-- Grain: one row per journey: the trigger properties that some goal's trigger_match reads.
select
    workspace_id,
    journey_id,
    {{ extract_properties('trigger_properties', 'journey') }} as journey_values
from {{ ref('stg_journeys') }}
