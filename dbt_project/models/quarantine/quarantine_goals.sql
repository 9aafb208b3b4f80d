-- Grain: one row per row of raw.goals that cannot be staged, with its original values and the reason.
{{ config(alias='goals') }}
{{ quarantined_rows('goals') }}
