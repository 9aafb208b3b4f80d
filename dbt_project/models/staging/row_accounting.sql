-- Grain: one row per raw table: where its landed rows are. Always landed = staged + superseded + quarantined.
{%- set tables = raw_tables() %}
with
{%- for table in tables %}
{{ table }} as (

    select
        '{{ table }}' as table_name,
        (select count(*) from {{ landed_rows(table) }} as landed_rows) as landed,
        (
            select count(*) from
            {%- if table == 'goals' %} {{ ref('int_goal_rows') }}
            where reason_code is null
            {%- else %} {{ ref('stg_' ~ table) }}
            {%- endif %}
        ) as staged,
        (
            select count(*) from {{ ref('base_' ~ table) }}
            where reason_code is null and not is_standing
        ) as superseded,
        (select count(*) from {{ ref('quarantine_' ~ table) }}) as quarantined

){{ ',' if not loop.last }}
{%- endfor %}
{% for table in tables %}
select * from {{ table }}
{{ 'union all' if not loop.last }}
{%- endfor %}
