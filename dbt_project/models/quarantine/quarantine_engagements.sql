-- Grain: one row per row of raw.engagements that cannot be staged, with its original values and why.
{{ config(alias='engagements') }}
{{ quarantined_rows('engagements') }}
