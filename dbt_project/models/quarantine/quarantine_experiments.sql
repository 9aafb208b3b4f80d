-- Grain: one row per row of raw.experiments that cannot be staged, with its original values and why.
{{ config(alias='experiments') }}
{{ quarantined_rows('experiments') }}
