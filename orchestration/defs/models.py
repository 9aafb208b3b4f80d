"""The dbt models as assets, their tests as asset checks.

Belongs here: how dbt is called, and what its failure means in a sentence. Does not: any model (dbt_project/).
"""

import json
import os
import subprocess
import sys
from collections.abc import Iterator, Mapping
from datetime import timedelta
from functools import cached_property
from importlib.metadata import version as installed_version
from pathlib import Path
from typing import Any

from dagster import AssetExecutionContext, AssetSpec, FreshnessPolicy
from dagster_dbt import DagsterDbtTranslator, DbtCliResource, DbtProject, dbt_assets
from packaging.version import Version

from orchestration import runs
from orchestration.defs.run import WAREHOUSE_POOL, GoalpostRun
from orchestration.errors import GoalpostError
from orchestration.settings import DBT_PROJECT, Settings

RUN_RESULTS = "run_results.json"
DBT_ERRORS = "Errors parsed from dbt logs:"  # where dagster-dbt's long message comes to the point
DBT_PROCESS = ("-m", "orchestration.defs.dbt_process")

# The schedule runs every day: a mart that missed one shows it, one that missed two is stale.
MARTS_FRESHNESS = FreshnessPolicy.time_window(
    fail_window=timedelta(hours=49), warn_window=timedelta(hours=25)
)


class Dbt(DbtCliResource):
    """dagster-dbt asks dbt for its version (4 s, and a look at the package index) and makes an adapter in
    this process to fetch metadata; neither is needed."""

    @cached_property
    def _cli_version(self) -> Version:
        return Version(installed_version("dbt-core"))

    def _initialize_dbt_core_adapter(self, args: Any) -> Any:
        return None


class Translator(DagsterDbtTranslator):
    def get_asset_spec(
        self, manifest: Mapping[str, Any], unique_id: str, project: DbtProject | None
    ) -> AssetSpec:
        spec = super().get_asset_spec(manifest, unique_id, project)
        spec = spec.replace_attributes(group_name=spec.key.path[0])
        return (
            spec.replace_attributes(freshness_policy=MARTS_FRESHNESS) if spec.key.path[0] == "marts" else spec
        )


def target_folder(settings: Settings) -> Path:
    """Outside the clone, which may be read-only and serves several homes."""
    return settings.home / "dbt" / "target"


def set_environment(settings: Settings) -> None:
    """What the profile reads, for every dbt process that this one starts."""
    os.environ |= {
        "GOALPOST_WAREHOUSE": str(settings.warehouse),
        "DBT_TARGET_PATH": str(target_folder(settings)),
        "DBT_LOG_PATH": str(target_folder(settings)),
        "DBT_SEND_ANONYMOUS_USAGE_STATS": "false",
    }


def manifest_path(settings: Settings) -> Path:
    """Named by the hash of the project as it is now."""
    return settings.home / "dbt" / "manifests" / f"{runs.hash_files(*runs.MODELS)[:16]}.json"


def prepare_manifest(settings: Settings) -> Path:
    """Parse the project only if it changed: it takes seconds, and Dagster loads this module for every run."""
    manifest = manifest_path(settings)
    if not manifest.exists():
        parsed = subprocess.run(
            [sys.executable, *DBT_PROCESS, "--quiet", "parse"],
            env=os.environ | {"DBT_PROJECT_DIR": str(DBT_PROJECT), "DBT_PROFILES_DIR": str(DBT_PROJECT)},
            cwd=DBT_PROJECT,
            capture_output=True,
            text=True,
        )
        if parsed.returncode != 0:
            raise GoalpostError(
                f"dbt cannot read {DBT_PROJECT}: {runs.one_line(parsed.stdout + parsed.stderr)}"
            )
        manifest.parent.mkdir(parents=True, exist_ok=True)
        (target_folder(settings) / "manifest.json").replace(manifest)
    return manifest


set_environment(Settings())
MANIFEST = prepare_manifest(Settings())

dbt_resource = Dbt(
    project_dir=str(DBT_PROJECT),
    profiles_dir=str(DBT_PROJECT),
    dbt_executable=sys.executable,
    global_config_flags=list(DBT_PROCESS),
)


@dbt_assets(
    manifest=MANIFEST,
    name="models",
    dagster_dbt_translator=Translator(),
    pool=WAREHOUSE_POOL,
)
def models(context: AssetExecutionContext, run: GoalpostRun, dbt: Dbt) -> Iterator:
    if manifest_path(run.settings) != MANIFEST:
        raise GoalpostError("The models changed since Dagster loaded them: reload the code location.")
    # Unit tests are about the code, not the data: they belong to `make test`.
    arguments = ["build", "--exclude-resource-type", "unit_test"]
    if run.is_full_refresh:
        arguments.append("--full-refresh")
    target = target_folder(run.settings)
    (target / RUN_RESULTS).unlink(
        missing_ok=True
    )  # those of the last run, should this one end before it writes
    invocation = dbt.cli(arguments, context=context, target_path=target, raise_on_error=False)
    yield from invocation.stream()
    if error := invocation.get_error():
        results = json.loads((target / RUN_RESULTS).read_text()) if (target / RUN_RESULTS).exists() else {}
        raise GoalpostError(failure(results, str(error)))


def failure(run_results: Mapping[str, Any], output: str) -> str:
    """The first node that failed and what dbt says about it: the rest follows from it, or comes next time."""
    failed = [result for result in run_results.get("results", ()) if result["status"] in ("error", "fail")]
    if not failed:
        return (
            f"dbt stopped before it built a model: {runs.one_line(output.partition(DBT_ERRORS)[2] or output)}"
        )
    first, others = failed[0], len(failed) - 1
    kind, _, name = first["unique_id"].split(".")[:3]
    more = f" ({others} more failed)" if others else ""
    return f"dbt {kind} {name} failed{more}: {runs.one_line(first['message'] or 'no message')}"
