-- Grain: one row per row of raw.sources that cannot be staged, with its original values and why.
{{ config(alias='sources') }}
{{ quarantined_rows('sources') }}
