-- Grain: one row per fact table and month in which rows of it lie: how many rows, how many keys, and the keys' sum. It looks at
-- the whole of every fact in every run, so that a key that is there twice is found wherever it lies, and a month that this run
-- could not change is found changed: control.built_fact_months holds the same as of the last success (expectations/intermediate).
-- `moment`: a row with another can be added or go only in runs that affect its profile by then. To count different keys is dear:
-- only where this run may have changed something; elsewhere rows and sum tell.
{%- set first_month = beginning_of_time() if from_scratch() else "date_trunc('month', " ~ earliest_affected() ~ ")" %}
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
    cast(fact_month as date) as fact_month,
    count(*) as fact_rows,
    case
        when fact_month >= {{ first_month }} then count(distinct case when fact_month >= {{ first_month }} then key_hash end)
    end as fact_keys,
    cast(sum(key_hash) as varchar) as sum_of_keys
from (
    select
        date_trunc('month', {{ moment }}) as fact_month,
        {{ key_of(key) }} as key_hash
    from {{ ref(fact) }}
) as {{ fact }}
group by fact_month
{%- if not loop.last %}

union all
{% endif %}
{%- endfor %}
