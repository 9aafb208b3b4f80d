-- Grain: one row per row of raw.segments that cannot be staged, with its original values and why.
{{ config(alias='segments') }}
{{ quarantined_rows('segments') }}
