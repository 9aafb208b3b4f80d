"""The dbt models as assets, their tests as asset checks.

Belongs here: how dbt is called, and what its failure means in a sentence. Does not: any model (dbt_project/).
"""

import json
import re
from collections.abc import Iterable, Iterator, Mapping
from datetime import timedelta
from graphlib import TopologicalSorter
from importlib.metadata import version as installed_version
from typing import Any

from dagster import (
    AssetCheckSpec,
    AssetExecutionContext,
    AssetKey,
    AssetSpec,
    Failure,
    FreshnessPolicy,
    MaterializeResult,
    Output,
    TableColumnDep,
    TableColumnLineage,
)
from packaging.version import Version

from orchestration import changes, runs
from orchestration.dbt_process import (
    RUN_RESULTS,
    manifest_path,
    prepare_manifest,
    target_folder,
)
from orchestration.defs.progress import tell
from orchestration.defs.run import GoalpostRun
from orchestration.errors import GoalpostError
from orchestration.faults import told
from orchestration.lineage import read_lineage
from orchestration.selection import increment_arguments, landed_rows, left_out
from orchestration.settings import DBT_PROJECT, Settings
from orchestration.shortcuts import not_importing

with not_importing("dbt.version"):
    from dagster_dbt import DagsterDbtTranslator, DbtCliInvocation, DbtProject, dbt_assets
    from dagster_dbt.dbt_manifest import validate_manifest

ROW_COUNT = "dagster/row_count"  # Dagster's name for it
DBT_ERRORS = "Errors parsed from dbt logs:"  # dagster-dbt's long message has the error after this

# The schedule runs every day: a mart that missed one run warns, a mart that missed two is stale.
MARTS_FRESHNESS = FreshnessPolicy.time_window(
    fail_window=timedelta(hours=49), warn_window=timedelta(hours=25)
)


LINEAGE = read_lineage(Settings())


class Translator(DagsterDbtTranslator):
    def get_asset_spec(
        self, manifest: Mapping[str, Any], unique_id: str, project: DbtProject | None
    ) -> AssetSpec:
        spec = super().get_asset_spec(manifest, unique_id, project)
        layer, node = spec.key.path[0], manifest["nodes"].get(unique_id, {})
        spec = spec.replace_attributes(
            group_name=node.get("config", {}).get("meta", {}).get("dagster", {}).get("group", layer),
            owners=[owner(node.get("group"))],
            freshness_policy=MARTS_FRESHNESS if layer == "marts" else None,
        )
        if not (columns := LINEAGE.get(unique_id)):
            return spec
        lineage = TableColumnLineage(
            {
                column: [TableColumnDep(self._key(manifest, node), name) for node, name in inputs]
                for column, inputs in columns.items()
            }
        )
        return spec.merge_attributes(metadata={"dagster/column_lineage": lineage})

    def _key(self, manifest: Mapping[str, Any], unique_id: str) -> AssetKey:
        return self.get_asset_key(manifest["nodes"].get(unique_id) or manifest["sources"][unique_id])

    def get_asset_check_spec(self, *args: Any, **kwargs: Any) -> AssetCheckSpec | None:
        """A dbt test as a check that does not block. A failing test ends dbt, and so the step; if tests also
        blocked, Dagster would warn about each test that is left out."""
        spec = super().get_asset_check_spec(*args, **kwargs)
        return spec and spec._replace(blocking=False)


def owner(group: str | None = None) -> str:
    """The owner of a group of models (models/_groups.yml), as Dagster writes teams."""
    return f"team:{OWNERS[group or 'pipeline'].lower().replace(' ', '-')}"


TRANSLATOR = Translator()
MANIFEST = prepare_manifest(Settings())
OWNERS = {group["name"]: group["owner"]["name"] for group in validate_manifest(MANIFEST)["groups"].values()}


@dbt_assets(
    manifest=MANIFEST,
    name="models",
    dagster_dbt_translator=TRANSLATOR,
)
def models(context: AssetExecutionContext, run: GoalpostRun) -> Iterator:
    run.refuse_what_cannot_be_right()
    if manifest_path(run.settings) != MANIFEST:
        raise GoalpostError("The models changed since Dagster loaded them: reload the code location.")
    target = target_folder(run.settings)
    # The results of the last run must not remain if this run ends before it writes its own.
    (target / RUN_RESULTS).unlink(missing_ok=True)
    manifest = validate_manifest(MANIFEST)
    unbuilt: set[str] = set()
    kept: dict[str, int] = {}  # the rows of the tables that are left out
    if not run.is_partial:  # before the build, which overwrites the record of what was built
        runs.drop_removed_models(run.settings, relations(manifest))
    if run.is_partial:
        refresh = ["--full-refresh"] if run.full_refresh else []
        invocation = build(context, run, *refresh, *picked(context, manifest))
    elif run.is_full_refresh:
        if runs.has_succeeded(run.settings):
            context.log.warning(f"Everything is recomputed: {run.started.rebuild.full_refresh}.")
        runs.open_increment(run.settings, run.started)
        invocation = build(context, run, "--full-refresh")
    else:
        landed, rebuilt = landed_rows(run.settings), run.started.rebuild.models
        if rebuilt:
            context.log.warning(f"Computed from scratch, because they changed: {changes.some_of(rebuilt)}.")
        unbuilt = {
            node for node in left_out(manifest, landed) if manifest["nodes"][node]["name"] not in rebuilt
        }
        names = {manifest["nodes"][node]["name"] for node in unbuilt}
        runs.open_increment(run.settings, run.started, rebuilt=rebuilt, left_out=names)
        kept = runs.count_rows(run.settings, [manifest["nodes"][node]["relation_name"] for node in unbuilt])
        arguments = increment_arguments(manifest, unbuilt, landed)
        invocation = build(context, run, *arguments, "--select", "fqn:*", "--indirect-selection", "empty")
    events = with_rows(context, invocation)
    left_out_rows = {
        TRANSLATOR.get_asset_key(manifest["nodes"][node]): kept.get(manifest["nodes"][node]["relation_name"])
        for node in unbuilt
    }
    tell(0, len(context.selected_asset_keys - left_out_rows.keys()), "models")
    yield from with_left_out(context, left_out_rows, events) if left_out_rows else events
    if error := invocation.get_error():
        results = json.loads((target / RUN_RESULTS).read_text()) if (target / RUN_RESULTS).exists() else {}
        reason = failure(results, str(error))
        # At the end of a failed run, Dagster names what a Failure says; of any other error, only the step.
        raise Failure(told(reason, run.settings) or reason, allow_retries=False)
    if not run.is_partial:
        runs.record_build(run.settings, run.run_id)
        if unpublished := built_but_not_published(manifest):
            names = changes.some_of(unpublished)
            context.log.warning(f"Built but not published, because they are not in models/marts: {names}.")


def with_rows(context: AssetExecutionContext, invocation: DbtCliInvocation) -> Iterator:
    """The events of the build; that of a table says how many rows it has (macros/engine/recompute.sql)."""
    for message in invocation.stream_raw_events():
        told_rows = re.fullmatch(r"(\d+) rows", str(message.raw_event["data"].get("status")))
        for event in message.to_default_asset_events(
            manifest=invocation.manifest,
            dagster_dbt_translator=TRANSLATOR,
            context=context,
            target_path=invocation.target_path,
        ):
            if told_rows and isinstance(event, Output):
                event = event.with_metadata({**event.metadata, ROW_COUNT: int(told_rows[1])})
            yield event


def relations(manifest: Mapping[str, Any]) -> dict[str, str]:
    """Where each model and seed is, by its name."""
    nodes = manifest["nodes"].values()
    return {node["name"]: node["relation_name"] for node in nodes if node["resource_type"] in changes.BUILT}


def built_but_not_published(manifest: Mapping[str, Any]) -> list[str]:
    """The user's own models outside models/marts."""
    ours = ("staging", "intermediate", "quarantine", "marts", "metrics")
    return sorted(
        node["name"]
        for node in manifest["nodes"].values()
        if node["resource_type"] == "model" and node["fqn"][1] not in ours
    )


def with_left_out(
    context: AssetExecutionContext, unbuilt: Mapping[AssetKey, int | None], events: Iterable
) -> Iterator:
    """The events of the build, and one for each asset that is left out, after the assets that it reads, as
    Dagster requires. `unbuilt`: with the rows of each table. (A left-out view shows new rows without a
    build.)"""
    keys = context.assets_def.keys
    order = TopologicalSorter({key: context.assets_def.asset_deps[key] & keys for key in keys})
    order.prepare()

    def follow() -> Iterator[MaterializeResult]:
        while ready := unbuilt.keys() & set(order.get_ready()):
            order.done(*ready)
            for key in ready:
                rows = unbuilt[key]
                counted = {} if rows is None else {ROW_COUNT: rows}
                yield MaterializeResult(asset_key=key, metadata={"rebuilt": False, **counted})

    yield from follow()
    for event in events:
        yield event
        if isinstance(event, Output):
            order.done(context.asset_key_for_output(event.output_name))
            yield from follow()


def build(context: AssetExecutionContext, run: GoalpostRun, *arguments: str) -> DbtCliInvocation:
    """Build with the dbt process that was started when the run began."""
    return DbtCliInvocation(
        # Unit tests are about the code, not the data: they belong to `make test`.
        process=run.dbt.build("--exclude-resource-type", "unit_test", *arguments),
        manifest=validate_manifest(MANIFEST),
        dagster_dbt_translator=TRANSLATOR,
        project_dir=DBT_PROJECT,
        target_path=target_folder(run.settings),
        raise_on_error=False,
        cli_version=Version(installed_version("dbt-core")),
        context=context,
    )


def picked(context: AssetExecutionContext, manifest: Mapping[str, Any]) -> list[str]:
    """The arguments for assets and checks selected in the UI: the same as `dbt build -s` by hand."""
    nodes, checks = manifest["nodes"].values(), {key.name for key in context.selected_asset_check_keys}
    chosen = [
        node["name"]
        for node in nodes
        if node["resource_type"] in changes.BUILT
        and TRANSLATOR.get_asset_key(node) in context.selected_asset_keys
    ]
    tests = {node["name"] for node in nodes if node["resource_type"] == "test"}
    return ["--select", *chosen, *sorted(tests & checks), "--exclude", *sorted(tests - checks)]


def failure(run_results: Mapping[str, Any], output: str) -> str:
    """The first node that failed and dbt's message: the other failures follow from it, or show next time."""
    failed = [result for result in run_results.get("results", ()) if result["status"] in ("error", "fail")]
    if not failed:
        return (
            f"dbt stopped before it built a model: {runs.one_line(output.partition(DBT_ERRORS)[2] or output)}"
        )
    first, others = failed[0], len(failed) - 1
    kind, _, name = first["unique_id"].split(".")[:3]
    more = f" ({others} more failed)" if others else ""
    return f"dbt {kind} {name} failed{more}: {runs.one_line(first['message'] or 'no message')}"
