-- Every code that a row was quarantined with is in the seed that says what it means and what to do about it.
{{ config(meta={'dagster': {'ref': {'name': 'reason_codes'}}}) }}
{%- set tables = raw_tables() %}

with refused as (
    {% for table in tables %}
    select reason_code from {{ ref('base_' ~ table) }}
    union
    {%- endfor %}
    select reason_code from {{ ref('int_goal_rows') }}

)

select refused.reason_code
from refused
left join {{ ref('reason_codes') }} as reason_codes on refused.reason_code = reason_codes.reason_code
where refused.reason_code is not null and reason_codes.reason_code is null
