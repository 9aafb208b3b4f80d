-- Grain: one row per row of raw.holdouts that cannot be staged, with its original values and why.
{{ config(alias='holdouts') }}
{{ quarantined_rows('holdouts') }}
