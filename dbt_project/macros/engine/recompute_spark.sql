{#
    The materialization `recompute` on Spark: the same as in recompute.sql, on Iceberg tables, each model in one commit.
#}
{% materialization recompute, adapter='spark', supported_languages=['sql'] %}
{%- set existing, target = load_cached_relation(this), this.incorporate(type='table') -%}
{{ run_hooks(pre_hooks) }}
{%- if existing is none or not existing.is_table or goalpost.from_scratch() -%}
{%- if existing is not none and not existing.is_table -%}{%- do adapter.drop_relation(existing) -%}{%- endif -%}
{%- do goalpost.spark__replace_table(existing if existing is not none and existing.is_table else none, target, sql) -%}
{%- else -%}
{%- do goalpost.spark__recompute(target, sql) -%}
{%- endif -%}
{{ run_hooks(post_hooks) }}
{{ return({'relations': [target]}) }}
{% endmaterialization %}


{#
    The model's query, as a temporary view, and its name. In a statement that writes, Spark 3.5 copies each CTE to where it is read before
    it gives the columns their ids; a join of two copies of one CTE then loses rows. A view is read as a query is.
#}
{% macro spark__query(sql) -%}
{%- set name = this.identifier ~ '__query' -%}
{%- call statement() -%}create or replace temporary view {{ name }} as {{ sql }}{%- endcall -%}
{{ return(name) }}
{%- endmacro %}


{# Creates a table that no reader reads. (A metastore may refuse to replace a table by one with other columns.) #}
{% macro spark__create_table(name, target, sql) -%}
{%- set query = goalpost.spark__query(sql) -%}
{%- call statement() -%}drop table if exists {{ target }}{%- endcall -%}
{%- call statement(name) -%}create table {{ target }} using iceberg as select * from {{ query }}{%- endcall -%}
{%- endmacro %}


{# Replaces all rows of a table, in one commit. #}
{% macro spark__overwrite(target, sql) -%}
{%- set query = goalpost.spark__query(sql) -%}
{%- call statement('main') -%}insert overwrite {{ target }} by name select * from {{ query }}{%- endcall -%}
{%- endmacro %}


{# The type of a column in a contract, as Spark names it. #}
{% macro spark__type(type) -%}
{{ {'varchar': 'string', 'varchar[]': 'array<string>', 'integer': 'int'}.get(type, type | replace(' ', '')) }}
{%- endmacro %}


{#
    Everything anew. A mart is written on the branch `build` of its table (profiles.yml: spark.wap.branch), which readers do not see before
    a run publishes it (orchestration/spark/publish.py). So a mart keeps its table: new columns are added, other columns are dropped.
#}
{% macro spark__replace_table(existing, target, sql) -%}
{%- if not config.get('contract').enforced -%}
{%- do goalpost.spark__create_table('main', target, sql) -%}
{%- else -%}
{%- set columns, present, dropped = [], [], [] -%}
{%- for name, column in model.columns.items() -%}
{%- do columns.append(name ~ ' ' ~ goalpost.spark__type(column.data_type)) -%}
{%- endfor -%}
{%- if existing is none -%}
{%- call statement() -%}create table {{ target }} ({{ columns | join(', ') }}) using iceberg tblproperties ('write.wap.enabled' = 'true'){%- endcall -%}
{%- else -%}
{%- for column in adapter.get_columns_in_relation(existing) -%}
{%- do present.append(column.name ~ ' ' ~ column.dtype) -%}
{%- if present[-1] not in columns -%}{%- do dropped.append(column.name) -%}{%- endif -%}
{%- endfor -%}
{%- set added = columns | reject('in', present) | list -%}
{%- if dropped -%}{%- call statement() -%}alter table {{ target }} drop columns {{ dropped | join(', ') }}{%- endcall -%}{%- endif -%}
{%- if added -%}{%- call statement() -%}alter table {{ target }} add columns ({{ added | join(', ') }}){%- endcall -%}{%- endif -%}
{%- endif -%}
{%- do goalpost.spark__overwrite(target, sql) -%}
{%- endif -%}
{%- endmacro %}


{#
    Deletes and inserts in one commit. The rows to delete are named by all their columns: equal rows meet the same condition.
#}
{% macro spark__recompute(target, sql) -%}
{%- set moment, condition = config.get('meta', {}).get('recompute_from'), config.get('meta', {}).get('recompute_where') -%}
{%- set keys, version = config.get('unique_key') or [], config.get('meta', {}).get('recompute_other') -%}
{%- if not moment and not condition and not keys -%}
{%- do goalpost.spark__overwrite(target, sql) -%}
{%- else -%}
{%- set computed = target.incorporate(path={'identifier': this.identifier ~ '__computed'}) -%}
{%- do goalpost.spark__create_table('computed', computed, sql) -%}
{%- set columns, deleted, equal, same = [], [], [], [] -%}
{%- for column in adapter.get_columns_in_relation(target) -%}
{%- do columns.append(column.name) -%}
{%- if not column.dtype.startswith('map') -%}{#- Spark does not compare maps. -#}
{%- do same.append('kept.' ~ column.name ~ ' <=> changes.' ~ column.name) -%}
{%- endif -%}
{%- endfor -%}
{%- if moment -%}
{%- do deleted.append(
    "(" ~ moment ~ " >= " ~ goalpost.earliest_affected() ~ " and exists (select 1 from " ~ ref('int_affected_profiles')
    ~ " as affected where affected.profile_key = kept.profile_key and " ~ moment ~ " >= affected.affected_from))"
) -%}
{%- elif condition -%}
{%- do deleted.append('(' ~ condition ~ ')') -%}
{%- endif -%}
{%- if version -%}
{%- do deleted.append('(' ~ version ~ ' <> (select max(' ~ version ~ ') from ' ~ computed ~ '))') -%}
{%- endif -%}
{%- if keys -%}
{%- for key in keys -%}{%- do equal.append('computed.' ~ key ~ ' = kept.' ~ key) -%}{%- endfor -%}
{%- do deleted.append('exists (select 1 from ' ~ computed ~ ' as computed where ' ~ equal | join(' and ') ~ ')') -%}
{%- endif -%}
{%- call statement('main') -%}
merge into {{ target }} as kept
using (
    select true as is_new, {{ columns | join(', ') }} from {{ computed }}
    union all
    select false, {{ columns | join(', ') }} from {{ target }} as kept where {{ deleted | join(' or ') }}
) as changes
on not changes.is_new and {{ same | join(' and ') }}
when matched then delete
when not matched and changes.is_new then insert ({{ columns | join(', ') }})
values (changes.{{ columns | join(', changes.') }})
{%- endcall -%}
{%- call statement() -%}drop table {{ computed }}{%- endcall -%}
{%- endif -%}
{%- endmacro %}


{#
    Python models do not run on the cluster: `goalpost run` computes them in its own process when dbt comes to them, and hands over
    the rows (orchestration/spark/python_models.py).
#}
{% macro spark__handed_over() -%}
{%- set existing, target = load_cached_relation(this), this.incorporate(type='view') -%}
{%- if existing is not none -%}{%- do adapter.drop_relation(existing) -%}{%- endif -%}
{%- call statement('main') -%}create view {{ target }} as select * from control.{{ this.identifier }}{%- endcall -%}
{{ return({'relations': [target]}) }}
{%- endmacro %}

{% materialization incremental, adapter='spark', supported_languages=['python'] %}
{{ return(goalpost.spark__handed_over()) }}
{% endmaterialization %}

{% materialization table, adapter='spark', supported_languages=['python'] %}
{{ return(goalpost.spark__handed_over()) }}
{% endmaterialization %}


{#
    A view. Spark would keep the columns of the view that it replaces. A metastore in Derby takes 32,700 characters: a longer query becomes
    a table, computed by each run.
#}
{% materialization view, adapter='spark', supported_languages=['sql'] %}
{%- set existing, target = load_cached_relation(this), this.incorporate(type='view') -%}
{{ run_hooks(pre_hooks) }}
{%- if existing is not none -%}{%- do adapter.drop_relation(existing) -%}{%- endif -%}
{%- if sql | length > 32000 -%}
{%- do goalpost.spark__create_table('main', target, sql) -%}
{%- else -%}
{%- call statement('main') -%}create view {{ target }} as {{ sql }}{%- endcall -%}
{%- endif -%}
{{ run_hooks(post_hooks) }}
{{ return({'relations': [target]}) }}
{% endmaterialization %}
