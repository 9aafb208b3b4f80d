-- Grain: one row per fact table and month in which rows of it lie: how many rows, how many different keys, and the sum of the
-- rows' profile keys. It looks at every row of every fact in every run, so that what is doubled or lost is found wherever it is.
-- Months from the first that this run could change on are counted. Those before are as of the last success
-- (control.built_fact_months); their rows are counted once more, all together, on the row without a month, for
-- expectations/intermediate to compare.
-- `moment`: a row with another can be added or go only in runs that affect its profile by then.
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
    count(distinct {{ key_of(key) }}) as fact_keys,
    cast(sum(profile_key) as varchar) as sum_of_keys
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
    cast(sum(profile_key) as varchar) as sum_of_keys
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
