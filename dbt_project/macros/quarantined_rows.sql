{#
    The body of every quarantine model: the original values of the rows whose base row has a reason_code; for goals, also those of the
    standing rows that int_goal_rows refuses (SEMANTICS, section 4).
#}
{% macro quarantined_rows(table_name) -%}
with faults as (

    select file_id, row_number, reason_code, problem
    from {{ ref('base_' ~ table_name) }}
    where reason_code is not null
    {%- if table_name == 'goals' %}
    union all
    select file_id, row_number, reason_code, problem
    from {{ ref('int_goal_rows') }}
    where reason_code is not null
    {%- endif %}

)

select
    files.path,
    files.content_hash,
    landed.row_number,
    faults.reason_code,
    faults.problem,
    {%- for column in goalpost.contract_columns(table_name) %}
    landed.{{ column.name }},
    {%- endfor %}
    coalesce(landed.raw_record, landed.vendor_record) as raw_record
from faults
inner join {{ source('raw', table_name) }} as landed
    on faults.file_id = landed.file_id and faults.row_number = landed.row_number
inner join {{ source('raw', 'files') }} as files on faults.file_id = files.file_id
{%- endmacro %}
