-- Grain: one row per landed row of raw.segments: its typed values, its reason_code, and whether it stands for its key.
{{ judged_rows('segments', defined_by='filter') }}
