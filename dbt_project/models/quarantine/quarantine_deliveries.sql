-- Grain: one row per row of raw.deliveries that cannot be staged, with its original values and why.
{{ config(alias='deliveries') }}
{{ quarantined_rows('deliveries') }}
