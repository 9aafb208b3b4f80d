-- Grain: one row per row of raw.events that cannot be staged, with its original values and why.
{{ config(alias='events') }}
{{ quarantined_rows('events') }}
