{#
    The materialization `recompute`: an incremental run deletes and inserts the rows of the table that it recomputes, in one transaction
    (macros/recompute.sql: which rows; docs/increments.md: why that is enough). From scratch, it replaces the whole table.

    It does not query the catalog, to save time on a day with few rows. This is safe: changed code comes with a full refresh
    (orchestration/runs.py), and a missing or unexpected column makes the insert fail.
#}
{% materialization recompute, adapter='duckdb', supported_languages=['sql'] %}
{%- set existing, target = load_cached_relation(this), this.incorporate(type='table') -%}
{%- if existing is none or not existing.is_table or goalpost.from_scratch() -%}
{%- do goalpost.run_in_place(existing, target, goalpost.replace_table_sql(target, sql), is_new=true) -%}
{%- else -%}
{%- do goalpost.run_in_place(existing, target, goalpost.recompute_sql(target, sql)) -%}
{%- endif -%}
{{ return({'relations': [target]}) }}
{% endmaterialization %}


{% macro replace_table_sql(target, sql) -%}
{%- if config.get('contract').enforced %}
{{ get_assert_columns_equivalent(sql) }}
create or replace table {{ target }} {{ get_table_columns_and_constraints() }};
insert into {{ target }} by name (
{{ sql }}
);
{%- else %}
create or replace table {{ target }} as (
{{ sql }}
);
{%- endif %}
{%- endmacro %}


{% macro recompute_sql(target, sql) -%}
{%- set moment, condition = config.get('meta', {}).get('recompute_from'), config.get('meta', {}).get('recompute_where') -%}
{%- set keys, version = config.get('unique_key') or [], config.get('meta', {}).get('recompute_other') -%}
{%- if not moment and not condition and not keys %}
truncate {{ target }};
insert into {{ target }} by name (
{{ sql }}
);
{%- else -%}
{%- set computed = this.identifier ~ '__computed' %}
create or replace temporary table {{ computed }} as (
{{ sql }}
);
{#- `using` names the rows to delete by a join, whose keys limit what DuckDB reads; `exists` with two columns does not. #}
{%- if moment %}
delete from {{ target }} as kept using {{ ref('int_affected_profiles') }} as affected
where
    {{ moment }} >= {{ goalpost.earliest_affected() }}
    and affected.profile_key = kept.profile_key
    and {{ moment }} >= affected.affected_from;
{%- elif condition %}
delete from {{ target }} as kept where {{ condition }};
{%- endif %}
{%- if version %}
delete from {{ target }} where {{ version }} <> (select max({{ version }}) from {{ computed }});
{%- endif %}
{%- if keys %}
delete from {{ target }} as kept using {{ computed }} as computed
where {% for key in keys %}computed.{{ key }} = kept.{{ key }}{{ ' and ' if not loop.last }}{% endfor %};
{%- endif %}
insert into {{ target }} by name from {{ computed }};
drop table {{ computed }};
{%- endif %}
{%- endmacro %}


{# A view, replaced in place. dbt's own materialization creates it beside the old one and renames it: five statements instead of one. #}
{% materialization view, adapter='duckdb', supported_languages=['sql'] %}
{%- set target = this.incorporate(type='view') -%}
{%- do goalpost.run_in_place(load_cached_relation(this), target, 'create or replace view ' ~ target ~ ' as (\n' ~ sql ~ '\n);') -%}
{{ return({'relations': [target]}) }}
{% endmaterialization %}


{#
    Runs a model's statement between its hooks, in one transaction. First drops a relation of another kind with the same name. A new
    table gets the descriptions of the model and its columns as comments, where the project asks for it (+persist_docs). dbt's result
    says how many rows the table has.
#}
{% macro run_in_place(existing, target, model_sql, is_new=false) -%}
{{ run_hooks(pre_hooks, inside_transaction=False) }}
{{ run_hooks(pre_hooks, inside_transaction=True) }}
{%- if existing is not none and existing.type != target.type -%}
{%- do adapter.drop_relation(existing) -%}
{%- endif -%}
{%- call statement('main') -%}
{{ model_sql }}
{%- endcall -%}
{%- if is_new -%}{%- do persist_docs(target, model) -%}{%- endif -%}
{%- if target.type == 'table' -%}
{%- set rows = run_query('select count(*) from ' ~ target).rows[0][0] | int -%}
{%- do store_raw_result('main', message=rows ~ ' rows', code=none, rows_affected=rows) -%}
{%- endif -%}
{{ run_hooks(post_hooks, inside_transaction=True) }}
{%- do adapter.commit() -%}
{{ run_hooks(post_hooks, inside_transaction=False) }}
{%- endmacro %}


{#
    Comments on all described columns of a mart. dbt-duckdb's own macro first asks the catalog which columns exist, which takes a second
    per mart; the contract of a mart names exactly its columns.
#}
{% macro duckdb__alter_column_comment(relation, column_dict) -%}
{%- for name, column in column_dict.items() %}
comment on column {{ relation }}.{{ name }} is {{ duckdb_escape_comment(column['description']) }};
{%- endfor %}
{%- endmacro %}


{#
    Before the checkpoint of an increment: deleted rows stay in their row groups. Otherwise DuckDB would merge these row groups, and
    rewrite old facts for the few deleted rows. A full refresh rewrites every table.
#}
{% macro leave_deleted_rows() %}{{ return(adapter.dispatch('leave_deleted_rows')()) }}{% endmacro %}
{% macro default__leave_deleted_rows() %}{% endmacro %}
{% macro duckdb__leave_deleted_rows() -%}
{%- if execute and not goalpost.increment()['is_everything'] -%}set max_vacuum_tasks = 0{%- endif -%}
{%- endmacro %}


{# Writes what a build changed to the database files. #}
{% macro checkpoint() %}{{ return(adapter.dispatch('checkpoint')()) }}{% endmacro %}
{% macro default__checkpoint() %}{% endmacro %}
{% macro duckdb__checkpoint() -%}
checkpoint {{ target.database }};
checkpoint marts
{%- endmacro %}
