-- Grain: one row per row of raw.funnels that cannot be staged, with its original values and why.
{{ config(alias='funnels') }}
{{ quarantined_rows('funnels') }}
