-- Grain: one row per row of raw.journeys that cannot be staged, with its original values and why.
{{ config(alias='journeys') }}
{{ quarantined_rows('journeys') }}
