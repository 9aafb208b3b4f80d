-- Grain: one row per landed row of raw.holdouts: its typed values, its reason_code, and whether it stands for its key.
{{ judged_rows('holdouts') }}
