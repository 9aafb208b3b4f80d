-- Grain: one row per landed row of raw.sources: its typed values, its reason_code, and whether it stands for its key.
{{ judged_rows('sources', defined_by='trigger_filter') }}
