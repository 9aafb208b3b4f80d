-- Grain: one row per row of raw.profile_snapshots that cannot be staged, with its original values and why.
{{ config(alias='profile_snapshots') }}
{{ quarantined_rows('profile_snapshots') }}
