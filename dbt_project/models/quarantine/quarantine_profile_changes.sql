-- Grain: one row per row of raw.profile_changes that cannot be staged, with its original values and why.
{{ config(alias='profile_changes') }}
{{ quarantined_rows('profile_changes') }}
