-- Grain: one row per landed row of raw.goals: its typed values, its reason_code, and whether it stands for its key.
{{ judged_rows('goals', defined_by='definition') }}
