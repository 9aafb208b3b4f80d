-- Grain: one row per profile, property and span of time over which it has one value. A view for questions about a few people: it reads
-- everything that was ever observed of them.
{{ config(materialized='view') }}

{{ property_spans(ref('int_profile_observations')) }}
