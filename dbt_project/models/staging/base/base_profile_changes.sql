-- Grain: one row per landed row of raw.profile_changes: its typed values, its reason_code, and whether it stands for its key.
{{ judged_rows('profile_changes') }}
