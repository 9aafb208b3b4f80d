-- Grain: one row per fact table and month with rows: the number of rows, the number of different keys, and the sum of the rows'
-- profile keys. It reads every row of every fact in every run, so it finds a duplicate or lost row anywhere.
-- It counts the months from the first one that this run could change. Earlier months are copied from the last success
-- (control.built_fact_months). The row without a month counts their rows again, all together, so that
-- expectations/intermediate can compare.
-- In a full refresh it counts no keys: there dbt's tests look at the key of every row.
-- `moment`: a row is added or removed only in a run that affects its profile at or before this moment.
{%- set first_month = "date_trunc('month', " ~ earliest_affected() ~ ")" %}
{%- set facts = [
    ('fct_achievements', 'achieved_at', ['profile_key', 'achievement_id']),
    ('fct_impressions', 'received_at', ['profile_key', 'goal_id', 'delivery_id']),
    ('fct_enrollments', 'enrolled_at', ['profile_key', 'enrollment_id']),
    ('fct_conversions', 'converted_at', ['profile_key', 'enrollment_id']),
    ('fct_touches', 'achieved_at', ['profile_key', 'achievement_id', 'delivery_id']),
    ('fct_attributions', 'achieved_at', ['profile_key', 'achievement_id']),
    ('fct_delivery_conversions', 'first_converted_at', ['profile_key', 'goal_id', 'delivery_id']),
    ('fct_journey_exits', 'entered_at', ['profile_key', 'journey_id']),
] %}
{%- for fact, moment, key in facts %}
select
    '{{ fact }}' as fact,
    cast(date_trunc('month', {{ moment }}) as date) as fact_month,
    count(*) as fact_rows,
    {{ 'cast(null as bigint)' if increment()['is_everything'] else 'count(distinct ' ~ key_of(key) ~ ')' }} as fact_keys,
    cast({{ exact_sum('profile_key') }} as string) as sum_of_keys
from {{ ref(fact) }}
{%- if not from_scratch() %}
where {{ moment }} >= {{ first_month }}
{%- endif %}
group by fact_month

union all
{% if not from_scratch() %}
select
    '{{ fact }}' as fact,
    cast(null as date) as fact_month,
    count(*) as fact_rows,
    cast(null as bigint) as fact_keys,
    cast({{ exact_sum('profile_key') }} as string) as sum_of_keys
from {{ ref(fact) }}
where {{ moment }} < {{ first_month }}

union all
{% endif %}
{%- endfor %}
select
    fact,
    fact_month,
    fact_rows,
    cast(null as bigint) as fact_keys,
    sum_of_keys
from {{ source('control', 'built_fact_months') }}
where {{ 'false' if from_scratch() else 'fact_month < ' ~ first_month }}
