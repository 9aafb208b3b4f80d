{#
    What a build computes, and whether it may (docs/increments.md).

    A run opens an increment: one row of control.increment says which landed files it takes in (after_file_id, until_file_id), or that it
    computes everything. All that is built until the next run, also by hand and in parts, computes the same increment again. So a part
    built alone leaves the marts as they were: rows that landed since wait for a run, and what was computed whole is read as whole.

    Each model that was built is stamped in control.built_models with its increment and its code. A model says in its config what it holds:
      meta.holds: increment   the rows that this increment computes, nothing of the ones before
      meta.holds: scope       whom, what or from which day this increment recomputes
      nothing                 everything: from scratch, or kept and changed by each increment
    What cannot be right refuses before anything is built, in a sentence that names the command that is.
#}


{# The increment, by the names of its columns. Before a first run, and in a unit test, which has no warehouse: everything. #}
{% macro increment() -%}
{%- set found = goalpost.asked_once("select * from control.increment") if execute and model.resource_type != 'unit_test' else [] -%}
{{ return(found[0] if found else {'increment_id': 0, 'after_file_id': 0, 'until_file_id': none, 'is_everything': true}) }}
{%- endmacro %}


{# The landed rows of a raw table that the increment knows. #}
{% macro landed_rows(table_name) -%}
{%- set until_file_id = goalpost.increment()['until_file_id'] -%}
{%- set landed = source('raw', table_name) -%}
(select * from {{ landed }}{% if until_file_id is not none %} where file_id <= {{ until_file_id }}{% endif %})
{%- endmacro %}


{#
    Is the asking model computed from scratch? If everything is. Else what is new or changed, or was asked for with --full-refresh, and
    what stands on that and is built with it. (A test asks for nothing: see rows_to_check.sql.)
#}
{% macro from_scratch() -%}
{#- While dbt parses, no: that is where the refs are. -#}
{%- if not execute -%}{{ return(false) }}{%- endif -%}
{%- if flags.WHICH == 'show' and model.resource_type == 'model' -%}
{%- set refusal = goalpost.refusal_to_build(model.unique_id) -%}
{%- if refusal -%}{%- do exceptions.raise_compiler_error(refusal) -%}{%- endif -%}
{%- endif -%}
{{ return(goalpost.is_from_scratch(model.unique_id)) }}
{%- endmacro %}


{% macro is_from_scratch(unique_id) -%}
{%- if goalpost.increment()['is_everything'] -%}{{ return(true) }}{%- endif -%}
{%- set places = graph.setdefault('from scratch ' ~ invocation_id, {}) -%}
{%- if unique_id not in places -%}
{%- set node = graph.nodes[unique_id] -%}
{%- set found = namespace(is_so=false) -%}
{%- if node.resource_type == 'model' and unique_id in selected_resources and not node.config.meta.get('holds') -%}
{%- set found.is_so = flags.FULL_REFRESH or flags.WHICH == 'show' or goalpost.is_new_or_changed(node)
    or adapter.get_relation(node.database, node.schema, node.alias) is none -%}
{%- for parent in node.depends_on.nodes if not found.is_so and parent.startswith('model.') -%}
{%- set found.is_so = goalpost.is_from_scratch(parent) -%}
{%- endfor -%}
{%- endif -%}
{%- do places.update({unique_id: found.is_so}) -%}
{%- endif -%}
{{ return(places[unique_id]) }}
{%- endmacro %}


{% macro is_new_or_changed(node) -%}
{%- set stamp = goalpost.stamps().get(node.name) -%}
{{ return(stamp is none or stamp['code'] != goalpost.code_of(node)) }}
{%- endmacro %}


{# As dbt compares files: white space makes no difference (orchestration/changes.py does the same). #}
{% macro code_of(node) -%}
{{ return(local_md5(node.raw_code.split() | join(' '))) }}
{%- endmacro %}


{# What was built: by the name of the model, in which increment and of which code. #}
{% macro stamps() -%}
{%- set place = 'stamps ' ~ invocation_id -%}
{%- if place not in graph -%}
{%- set stamps = {} -%}
{%- for row in run_query("select model, increment_id, code from control.built_models").rows -%}
{%- do stamps.update({row['model']: row}) -%}
{%- endfor -%}
{%- do graph.update({place: stamps}) -%}
{%- endif -%}
{{ return(graph[place]) }}
{%- endmacro %}


{# Why a selected model cannot be built right, in a sentence; none if it can. #}
{% macro refusal_to_build(unique_id) -%}
{%- set node, stamps = graph.nodes[unique_id], goalpost.stamps() -%}
{%- set increment, holds = goalpost.increment(), node.config.meta.get('holds') -%}
{%- set inputs = [] -%}
{%- for parent in node.depends_on.nodes if parent.startswith('model.') -%}
{%- do inputs.append(graph.nodes[parent]) -%}
{%- endfor -%}
{%- set everything = '`goalpost run --full-refresh` builds everything' -%}
{%- if not holds and not goalpost.keeps_rows(node) -%}
{%- for macro in ['affected_rows', 'recounted_rows'] if 'macro.goalpost.' ~ macro in node.depends_on.macros -%}
{{ return(node.original_file_path ~ " uses " ~ macro ~ "(), so it holds only what one increment computes: say meta={'holds': 'increment'} in its config, or recompute_from if it is to keep its rows (docs/increments.md).") }}
{%- endfor -%}
{%- for input in inputs if input.config.meta.get('holds') == 'increment' -%}
{{ return(node.original_file_path ~ " reads " ~ input.name ~ ", which holds only what one increment computes: say meta={'holds': 'increment'} in its config, or recompute_from if it is to keep its rows (docs/increments.md).") }}
{%- endfor -%}
{%- endif -%}
{%- if not increment['is_everything'] -%}
{%- if holds and flags.FULL_REFRESH -%}
{{ return(node.name ~ " holds only what the last run computed and cannot be built from scratch alone: " ~ everything ~ ".") }}
{%- endif -%}
{%- if holds and node.name in stamps and goalpost.is_new_or_changed(node) -%}
{{ return(node.original_file_path ~ " has changed, and what stands on " ~ node.name ~ " was built by the old one: `goalpost run` rebuilds all of it.") }}
{%- endif -%}
{%- if goalpost.is_from_scratch(unique_id) -%}
{%- for input in inputs if input.config.meta.get('holds') == 'increment' -%}
{%- if flags.WHICH == 'show' -%}
{{ return("The query of " ~ node.name ~ " reads " ~ input.name ~ ", which holds only what the last run computed; to see the mart: dbt show --inline \"select * from {{ ref('" ~ node.name ~ "') }}\".") }}
{%- endif -%}
{{ return(node.name ~ " cannot be built from scratch alone, since " ~ input.name ~ " holds only what the last run computed: " ~ everything ~ ".") }}
{%- endfor -%}
{%- endif -%}
{%- endif -%}
{%- for input in inputs if input.unique_id not in selected_resources -%}
{%- set stamp = stamps.get(input.name) -%}
{%- if stamp is none or stamp['increment_id'] != increment['increment_id'] -%}
{{ return(node.name ~ " reads " ~ input.name ~ ", which was not built yet by the run that came last: `goalpost run` carries on where it ended.") }}
{%- endif -%}
{%- endfor -%}
{{ return(none) }}
{%- endmacro %}


{# Does the model keep what it held, and change it by what an increment computes? #}
{% macro keeps_rows(node) -%}
{%- set meta = node.config.meta -%}
{{ return(
    node.config.materialized == 'incremental' or node.config.unique_key is not none
    or meta.get('recompute_from') is not none or meta.get('recompute_where') is not none
) }}
{%- endmacro %}


{#
    Before a build (on-run-start): refuses what cannot be right. With --full-refresh and every model, a build by hand opens an increment of
    its own: everything. The next run does not trust it and computes everything itself (orchestration/runs.py).
#}
{% macro begin_build() -%}
{%- if execute and flags.WHICH in ('build', 'run', 'retry') -%}
{%- set found = run_query("select 1 from information_schema.tables where table_schema = 'control' and table_name = 'built_models'") -%}
{%- if not found.rows -%}
{%- do exceptions.raise_compiler_error(
    "Nothing has landed in " ~ target.path ~ " yet: `goalpost run` lands files and builds; the target dev is filled by "
    ~ "`dbt run-operation copy_raw_to_dev --target dev`."
) -%}
{%- endif -%}
{%- set every_model = graph.nodes.values() | selectattr('resource_type', 'equalto', 'model') | map(attribute='unique_id') | list -%}
{%- set is_whole = every_model | reject('in', selected_resources) | list | length == 0 -%}
{%- if is_whole and flags.FULL_REFRESH and not goalpost.increment()['is_everything'] -%}
{%- do run_query("update control.increment set increment_id = increment_id + 1, is_everything = true, run_id = null") -%}
{%- do goalpost.forget("select * from control.increment") -%}
{%- endif -%}
{%- for unique_id in selected_resources if unique_id in every_model -%}
{%- set refusal = goalpost.refusal_to_build(unique_id) -%}
{%- if refusal -%}{%- do exceptions.raise_compiler_error(refusal) -%}{%- endif -%}
{%- endfor -%}
{%- endif -%}
{%- endmacro %}


{# After a build (on-run-end): stamps what was built, seeds too. A run says that it is one by the environment. #}
{% macro stamp_built_models(results) -%}
{%- set built = [] -%}
{%- for result in (results if execute and flags.WHICH in ('build', 'run', 'retry', 'seed') else []) -%}
{%- if result.node.resource_type in ('model', 'seed') and result.status == 'success' -%}
{%- do built.append(result.node) -%}
{%- endif -%}
{%- endfor -%}
{%- if built -%}
{%- set increment_id, in_run = goalpost.increment()['increment_id'], env_var('GOALPOST_IN_RUN', 'false') -%}
insert or replace into control.built_models (model, increment_id, code, relation, in_run) values
{%- for node in built %}
    ('{{ node.name }}', {{ increment_id }}, '{{ goalpost.code_of(node) }}', '{{ node.relation_name }}', {{ in_run }}){{ ',' if not loop.last }}
{%- endfor -%}
{%- endif -%}
{%- endmacro %}
