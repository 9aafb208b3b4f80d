"""The process that dbt runs in: it gets ready while the run does something else, and ends with the run.

Belongs here: starting it, its environment, its main program. Does not: what it builds (defs/models.py);
anything from Dagster, so that the command line can start this process before it imports Dagster.

dbt takes seconds to import and to read its project.
"""

import json
import os
import subprocess
import sys
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

from orchestration import changes, runs
from orchestration.errors import GoalpostError
from orchestration.processes import end_with_parent, with_parent
from orchestration.settings import DBT_PROJECT, Settings
from orchestration.shortcuts import collect_rarely, keep_templates, leave

RUN_RESULTS = "run_results.json"
COMMAND = ("-m", "orchestration.dbt_process")


def environment(settings: Settings) -> dict[str, str]:
    """The variables that dbt and its profile read. If they changed between runs, dbt would parse
    everything."""
    return {
        "GOALPOST_WAREHOUSE": str(settings.warehouse),
        # The process only builds, so the file stays open instead of being opened for each model.
        "GOALPOST_KEEP_OPEN": "True",
        "DBT_TARGET": "duckdb",  # whatever the caller's shell names, for example to read metrics
        "DBT_PROJECT_DIR": str(DBT_PROJECT),
        "DBT_PROFILES_DIR": str(DBT_PROJECT),
        "DBT_TARGET_PATH": str(target_folder(settings)),
        "DBT_LOG_PATH": str(target_folder(settings)),
        "DBT_LOG_LEVEL_FILE": "none",  # its output is in the run's log; a file costs a tenth of dbt's time
        "DBT_SEND_ANONYMOUS_USAGE_STATS": "false",
        **with_parent(),
    }


def target_folder(settings: Settings) -> Path:
    """dbt's target folder, outside the clone, which may be read-only and serve several homes."""
    return settings.home / "dbt" / "target"


def manifest_path(settings: Settings) -> Path:
    """The path of the manifest, named by the hash of the current project."""
    return (
        settings.home
        / "dbt"
        / "manifests"
        / f"{changes.hash_of(changes.hash_each(changes.MODELS))[:16]}.json"
    )


def fault_of(settings: Settings, *arguments: str) -> str | None:
    """Run dbt in a process of its own, and wait: its output in one line if it failed."""
    done = subprocess.run(
        [sys.executable, *COMMAND, "--quiet", *arguments],
        env=os.environ | environment(settings),
        cwd=DBT_PROJECT,
        capture_output=True,
        text=True,
    )
    return runs.one_line(done.stdout + done.stderr) if done.returncode else None


def prepare_manifest(settings: Settings) -> Path:
    """The path of the manifest. Parses the project only if it changed, because that takes seconds, and
    Dagster loads the manifest for every run.

    Raises GoalpostError if dbt cannot read the project.
    """
    manifest = manifest_path(settings)
    if not _is_manifest(manifest):
        if fault := fault_of(settings, "parse"):
            raise GoalpostError(f"dbt cannot read {DBT_PROJECT}: {fault}")
        manifest.parent.mkdir(parents=True, exist_ok=True)
        (target_folder(settings) / "manifest.json").replace(manifest)
    return manifest


def _is_manifest(path: Path) -> bool:
    """Is the file a whole manifest, neither cut off nor overwritten?"""
    try:
        document = json.loads(path.read_bytes())
        return document["metadata"]["project_name"] == "goalpost" and bool(document["nodes"])
    except (OSError, ValueError, LookupError, TypeError):
        return False


class WaitingDbt:
    """A dbt process that has read its project and waits for a command. It writes its events as JSON lines."""

    def __init__(self, settings: Settings, *, in_run: bool) -> None:
        self.process = subprocess.Popen(
            [sys.executable, *COMMAND],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            env=os.environ
            | environment(settings)
            | {"DBT_LOG_FORMAT": "json", "PYTHONUNBUFFERED": "1", "GOALPOST_IN_RUN": str(in_run).lower()},
            cwd=DBT_PROJECT,
        )

    def build(self, *arguments: str) -> subprocess.Popen[bytes]:
        assert self.process.stdin
        with suppress(BrokenPipeError), self.process.stdin as stdin:  # if it died, its output says why
            stdin.write(json.dumps(["build", *arguments]).encode())
        return self.process

    def end(self) -> None:
        self.process.kill()
        self.process.wait()
        for pipe in (self.process.stdin, self.process.stdout):
            if pipe:
                pipe.close()


_waiting: dict[Settings, WaitingDbt] = {}


def start(settings: Settings, *, in_run: bool = True) -> None:
    """Start the process as soon as it is certain that there is a run; a second call does nothing. Does
    nothing without a manifest: the first time, the project must be parsed before. `in_run`: a run builds, not
    a user by hand (control.built_models)."""
    if settings not in _waiting and manifest_path(settings).exists():
        _waiting[settings] = WaitingDbt(settings, in_run=in_run)


def started(settings: Settings, *, in_run: bool) -> WaitingDbt:
    """The started process. Raises KeyError if no manifest is prepared."""
    start(settings, in_run=in_run)
    return _waiting[settings]


def end(settings: Settings) -> None:
    if settings in _waiting:
        _waiting.pop(settings).end()


def main(arguments: Sequence[str]) -> None:
    """With arguments: run dbt. Without: get ready, then read the arguments from standard input."""
    end_with_parent()
    collect_rarely()
    from dbt.adapters.duckdb.connections import DuckDBConnectionManager
    from dbt.artifacts.schemas.run import RunExecutionResult
    from dbt.cli.main import cli, dbtRunner
    from dbt.contracts.graph.manifest import Manifest

    home = Path(os.environ["DBT_TARGET_PATH"]).parent
    keep_templates(home / "templates")
    if arguments:
        cli(prog_name="dbt")
    import numpy  # noqa: F401  (the Python models need it)

    import orchestration.goals.reading  # noqa: F401  (and this)

    parsed = dbtRunner().invoke(["parse", "--quiet", "--no-write-json"]).result
    manifest = parsed if isinstance(parsed, Manifest) else None  # if it cannot be read, the build says why
    if told := sys.stdin.read():
        built = dbtRunner(manifest=manifest).invoke(
            [*json.loads(told), "--no-write-json"]  # the manifest is already written
        )
        if isinstance(built.result, RunExecutionResult):
            built.result.write(str(Path(os.environ["DBT_TARGET_PATH"]) / RUN_RESULTS))
        DuckDBConnectionManager.close_all_connections()
        leave(0 if built.success else 1)


if __name__ == "__main__":
    main(sys.argv[1:])
