-- Grain: one row per row of raw.workspaces that cannot be staged, with its original values and why.
{{ config(alias='workspaces') }}
{{ quarantined_rows('workspaces') }}
