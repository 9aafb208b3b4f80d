{#
    What a build computes, and which builds are refused (docs/increments.md).

    A run opens an increment: one row of control.increment says which landed files the increment covers (after_file_id, until_file_id), or
    that it computes everything. Every build until the next run computes the same increment again, also a build by hand or of a part. So
    building a part alone leaves the marts as they were: only a run takes in rows that landed since, and a table computed whole is read whole.

    control.built_models records the increment and the code of each built model. A model says in its config what it holds:
      meta.holds: increment   the rows that this increment computes, no rows of earlier increments
      meta.holds: scope       which profiles or rows, or from which day, this increment recomputes
      not set                 everything: computed from scratch, or kept and updated by each increment
    A build that would give a wrong result is refused before it builds anything; the message names the command that does it right.
#}


{#
    The increment, as a row with column names. Before the first run, and in a unit test, which has no warehouse: everything. With
    `dbt compile --no-introspect`, which has none either, --full-refresh says whether it is everything.
#}
{% macro increment() -%}
{%- set found = goalpost.asked_once("select * from control.increment") if execute and model.resource_type != 'unit_test' else [] -%}
{{ return(found[0] if found else {'increment_id': 0, 'after_file_id': 0, 'until_file_id': none, 'is_everything': flags.INTROSPECT or flags.FULL_REFRESH}) }}
{%- endmacro %}


{# The rows of a raw table that had landed when the increment was opened. #}
{% macro landed_rows(table_name) -%}
{%- set until_file_id = goalpost.increment()['until_file_id'] -%}
{%- set landed = source('raw', table_name) -%}
(select * from {{ landed }}{% if until_file_id is not none %} where file_id <= {{ until_file_id }}{% endif %})
{%- endmacro %}


{#
    Is the calling model computed from scratch? Yes, if everything is. Else, if the model is new, changed or selected with --full-refresh,
    or depends on such a model that the same build computes. (Not for tests: see rows_to_check.sql.)
#}
{% macro from_scratch() -%}
{#- While dbt parses, no: the incremental branch holds the refs that dbt must find. -#}
{%- if not execute or not flags.INTROSPECT -%}{{ return(execute and flags.FULL_REFRESH) }}{%- endif -%}
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


{# A hash of the code. White space makes no difference, as when dbt compares files (orchestration/changes.py does the same). #}
{% macro code_of(node) -%}
{{ return(local_md5(node.raw_code.split() | join(' '))) }}
{%- endmacro %}


{# For each built model, by name: its increment and its code. #}
{% macro stamps() -%}
{%- set place = 'stamps ' ~ invocation_id -%}
{%- if place not in graph -%}
{%- set stamps = {} -%}
{%- for row in goalpost.asked_once("select model, increment_id, code from control.built_models") -%}
{%- do stamps.update({row['model']: row}) -%}
{%- endfor -%}
{%- do graph.update({place: stamps}) -%}
{%- endif -%}
{{ return(graph[place]) }}
{%- endmacro %}


{# The reason why a selected model cannot be built right, as a sentence; none if it can. #}
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
{{ return(node.original_file_path ~ " uses " ~ macro ~ "(), so it holds only what one increment computes: set meta={'holds': 'increment'} in its config, or recompute_from if it should keep its rows (docs/increments.md).") }}
{%- endfor -%}
{%- for input in inputs if input.config.meta.get('holds') == 'increment' -%}
{{ return(node.original_file_path ~ " reads " ~ input.name ~ ", which holds only what one increment computes: set meta={'holds': 'increment'} in its config, or recompute_from if it should keep its rows (docs/increments.md).") }}
{%- endfor -%}
{%- endif -%}
{%- if not increment['is_everything'] -%}
{%- if holds and flags.FULL_REFRESH -%}
{{ return(node.name ~ " holds only what the last run computed and cannot be built from scratch alone: " ~ everything ~ ".") }}
{%- endif -%}
{%- if holds and node.name in stamps and goalpost.is_new_or_changed(node) -%}
{{ return(node.original_file_path ~ " has changed, and the models that depend on " ~ node.name ~ " were built with its old code: `goalpost run` rebuilds them all.") }}
{%- endif -%}
{%- if goalpost.is_from_scratch(unique_id) -%}
{%- for input in inputs if input.config.meta.get('holds') == 'increment' -%}
{%- if flags.WHICH == 'show' -%}
{{ return("The query of " ~ node.name ~ " reads " ~ input.name ~ ", which holds only what the last run computed; to see the mart: dbt show --inline \"select * from {{ ref('" ~ node.name ~ "') }}\".") }}
{%- endif -%}
{{ return(node.name ~ " cannot be built from scratch alone, because " ~ input.name ~ " holds only what the last run computed: " ~ everything ~ ".") }}
{%- endfor -%}
{%- endif -%}
{%- endif -%}
{%- for input in inputs if input.unique_id not in selected_resources -%}
{%- set stamp = stamps.get(input.name) -%}
{%- if stamp is none or stamp['increment_id'] != increment['increment_id'] -%}
{{ return(node.name ~ " reads " ~ input.name ~ ", which the last run has not built: `goalpost run` continues where that run stopped.") }}
{%- endif -%}
{%- endfor -%}
{{ return(none) }}
{%- endmacro %}


{# Does the model keep its rows and update them with what an increment computes? #}
{% macro keeps_rows(node) -%}
{%- set meta = node.config.meta -%}
{{ return(
    node.config.materialized == 'incremental' or node.config.unique_key is not none
    or meta.get('recompute_from') is not none or meta.get('recompute_where') is not none
) }}
{%- endmacro %}


{#
    Before a build (on-run-start): refuses a build that would give a wrong result. With --full-refresh and every model, a build by hand
    opens its own increment: everything. The next run does not trust that build and computes everything itself (orchestration/runs.py).
#}
{% macro begin_build() -%}
{%- if execute and flags.WHICH in ('build', 'run', 'retry') -%}
{%- if not goalpost.is_there('control', 'built_models') -%}
{%- do exceptions.raise_compiler_error(
    "Nothing has landed in " ~ target.get('path', target.name) ~ " yet: `goalpost run` lands files and builds; to fill the target dev, run "
    ~ "`dbt run-operation copy_raw_to_dev --target dev`."
) -%}
{%- endif -%}
{%- set every_model = graph.nodes.values() | selectattr('resource_type', 'equalto', 'model') | map(attribute='unique_id') | list -%}
{%- set is_whole = every_model | reject('in', selected_resources) | list | length == 0 -%}
{%- if is_whole and flags.FULL_REFRESH and not goalpost.increment()['is_everything'] -%}
{%- do goalpost.execute_at_once('update control.increment set increment_id = increment_id + 1, is_everything = true, run_id = null') -%}
{%- do goalpost.forget("select * from control.increment") -%}
{%- endif -%}
{%- for unique_id in selected_resources if unique_id in every_model -%}
{%- set refusal = goalpost.refusal_to_build(unique_id) -%}
{%- if refusal -%}{%- do exceptions.raise_compiler_error(refusal) -%}{%- endif -%}
{%- endfor -%}
{%- endif -%}
{%- endmacro %}


{# After a build (on-run-end): records what was built, including seeds. A run identifies itself by an environment variable. #}
{% macro stamp_built_models(results) -%}
{%- set built = [] -%}
{%- for result in (results if execute and flags.WHICH in ('build', 'run', 'retry', 'seed') else []) -%}
{%- if result.node.resource_type in ('model', 'seed') and result.status == 'success' -%}
{%- do built.append(result.node) -%}
{%- endif -%}
{%- endfor -%}
{%- if built -%}
{%- set increment_id, in_run = goalpost.increment()['increment_id'], env_var('GOALPOST_IN_RUN', 'false') -%}
merge into control.built_models as kept
using (
    {%- for node in built %}
    select
        '{{ node.name }}' as model, {{ increment_id }} as increment_id, '{{ goalpost.code_of(node) }}' as code,
        '{{ node.relation_name }}' as relation, {{ in_run }} as in_run
    {{- '\n    union all' if not loop.last }}
    {%- endfor %}
) as built
on kept.model = built.model
when matched then update set
    increment_id = built.increment_id, code = built.code, relation = built.relation, in_run = built.in_run
when not matched then insert (model, increment_id, code, relation, in_run)
values (built.model, built.increment_id, built.code, built.relation, built.in_run)
{%- endif -%}
{%- endmacro %}
