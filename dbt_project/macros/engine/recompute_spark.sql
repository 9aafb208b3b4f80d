{#
    The materialization `recompute` on Spark: the same as in recompute.sql, on Iceberg tables, each model in one commit.
#}
{% materialization recompute, adapter='spark', supported_languages=['sql'] %}
{%- set existing, target = load_cached_relation(this), this.incorporate(type='table') -%}
{{ run_hooks(pre_hooks) }}
{%- if existing is none or not existing.is_table or goalpost.from_scratch() -%}
{%- if existing is not none and not existing.is_table -%}{%- do adapter.drop_relation(existing) -%}{%- endif -%}
{%- call statement('main') -%}{{ goalpost.spark__replace_table_sql(target, sql) }}{%- endcall -%}
{%- else -%}
{%- do goalpost.spark__recompute(target, sql) -%}
{%- endif -%}
{{ run_hooks(post_hooks) }}
{{ return({'relations': [target]}) }}
{% endmaterialization %}


{# The type of a column in a contract, as Spark names it. #}
{% macro spark__type(type) -%}
{{ {'varchar': 'string', 'varchar[]': 'array<string>', 'boolean[]': 'array<boolean>'}.get(type, type) }}
{%- endmacro %}


{% macro spark__replace_table_sql(target, sql) -%}
create or replace table {{ target }} using iceberg as
{%- if config.get('contract').enforced %}
select
{%- for name, column in model.columns.items() %}
    cast({{ name }} as {{ goalpost.spark__type(column.data_type) }}) as {{ name }}{{ ',' if not loop.last }}
{%- endfor %}
from (
{{ sql }}
)
{%- else %}
{{ sql }}
{%- endif %}
{%- endmacro %}


{#
    Deletes and inserts in one commit: `merge` deletes the rows that it finds by their place in a file, and inserts all others.
#}
{% macro spark__recompute(target, sql) -%}
{%- set moment, condition = config.get('meta', {}).get('recompute_from'), config.get('meta', {}).get('recompute_where') -%}
{%- set keys, version = config.get('unique_key') or [], config.get('meta', {}).get('recompute_other') -%}
{%- if not moment and not condition and not keys -%}
{%- call statement('main') -%}
insert overwrite {{ target }} by name
{{ sql }}
{%- endcall -%}
{%- else -%}
{%- set computed = target.incorporate(path={'identifier': this.identifier ~ '__computed'}) -%}
{%- do run_query('create or replace table ' ~ computed ~ ' using iceberg as ' ~ sql) -%}
{%- set columns = adapter.get_columns_in_relation(computed) | map(attribute='name') | list -%}
{%- set deleted = [] -%}
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
{%- set equal = [] -%}
{%- for key in keys -%}{%- do equal.append('computed.' ~ key ~ ' = kept.' ~ key) -%}{%- endfor -%}
{%- do deleted.append('exists (select 1 from ' ~ computed ~ ' as computed where ' ~ equal | join(' and ') ~ ')') -%}
{%- endif -%}
{%- call statement('main') -%}
merge into {{ target }} as kept
using (
    select cast(null as string) as in_file, cast(null as bigint) as at_position{% for column in columns %}, {{ column }} as new_{{ column }}{% endfor %}
    from {{ computed }}
    union all
    select _file, _pos{% for column in columns %}, null{% endfor %} from {{ target }} as kept
    where {{ deleted | join(' or ') }}
) as changes
on kept._file = changes.in_file and kept._pos = changes.at_position
when matched then delete
when not matched then insert ({{ columns | join(', ') }})
values ({% for column in columns %}changes.new_{{ column }}{{ ', ' if not loop.last }}{% endfor %})
{%- endcall -%}
{%- do run_query('drop table ' ~ computed) -%}
{%- endif -%}
{%- endmacro %}


{#
    Python models do not run on the cluster: `goalpost run` computes them in its own process, between two builds, and hands over the
    rows (orchestration/spark/python_models.py).
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


{# A view. Spark would keep the columns of the view that it replaces. #}
{% materialization view, adapter='spark', supported_languages=['sql'] %}
{%- set existing, target = load_cached_relation(this), this.incorporate(type='view') -%}
{%- if existing is not none -%}{%- do adapter.drop_relation(existing) -%}{%- endif -%}
{%- call statement('main') -%}create view {{ target }} as {{ sql }}{%- endcall -%}
{{ return({'relations': [target]}) }}
{% endmaterialization %}
