{#
    Fills the target `dev` with what landed in production: `dbt run-operation copy_raw_to_dev --target dev`. With --args '{percent: 10}'
    it copies a sample of the people: their rows, and all rows that belong to no person. It removes the record of what was built in dev;
    run `dbt build --target dev` next. It only reads production; no run may write there meanwhile.
#}
{% macro copy_raw_to_dev(percent=100) %}{{ return(adapter.dispatch('copy_raw_to_dev')(percent)) }}{% endmacro %}
{% macro default__copy_raw_to_dev(percent) -%}
{%- do exceptions.raise_compiler_error("The target dev is a DuckDB file: see docs/increments.md.") -%}
{%- endmacro %}
{% macro duckdb__copy_raw_to_dev(percent) -%}
{%- if target.name != 'dev' -%}
{%- do exceptions.raise_compiler_error("This replaces the raw tables of the target: add --target dev.") -%}
{%- endif -%}
{%- set production = target.path | replace('dev.duckdb', 'warehouse.duckdb') -%}
{%- do run_query("attach '" ~ production | replace("'", "''") ~ "' as production (read_only)") -%}
{%- for name in ['raw', 'control'] -%}
{%- do run_query("drop schema if exists " ~ name ~ " cascade") -%}
{%- do run_query("create schema " ~ name) -%}
{%- endfor -%}
{%- set tables = run_query("
    select schema_name, table_name from duckdb_tables()
    where database_name = 'production' and schema_name in ('raw', 'control') order by all
").rows -%}
{%- set engaged = "delivery_id is null or delivery_id in (select delivery_id from raw.deliveries)" -%}
{%- set people = "profile_id is null or hash(profile_id) % 100 < " ~ percent -%}
{%- for schema_name, table_name in tables -%}
{%- set place, columns = schema_name ~ '."' ~ table_name ~ '"', [] -%}
{%- for (name,) in run_query("select name from pragma_table_info('production." ~ place ~ "')").rows -%}
{%- do columns.append(name) -%}
{%- endfor -%}
{%- set kept = people if 'profile_id' in columns else engaged if table_name == 'engagements' else 'true' -%}
{%- do run_query("create table " ~ place ~ " as from production." ~ place ~ " where " ~ (kept if schema_name == 'raw' else 'true')) -%}
{%- endfor -%}
{#- Every build in dev computes from scratch: nothing there holds an increment. -#}
{%- do run_query("delete from control.built_models") -%}
{%- do run_query("alter table control.built_models add primary key (model)") -%}
{%- do run_query("
    create or replace table control.increment as
    select 1 as increment_id, 0 as after_file_id, coalesce(max(file_id), 0) as until_file_id, true as is_everything, cast(null as varchar) as run_id
    from raw.files
") -%}
{%- do run_query("detach production") -%}
{{ log("Copied what landed in " ~ production ~ " to " ~ target.path ~ ". Now: dbt build --target dev", info=true) }}
{%- endmacro %}
