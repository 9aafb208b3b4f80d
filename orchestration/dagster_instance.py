"""Dagster's own state: $GOALPOST_HOME/dagster.

Belongs here: its configuration, and keeping it out of the way. Does not: what runs.
"""

import re
import shutil
import sqlite3
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import yaml
from dagster import DagsterInstance, DagsterRun, DagsterRunStatus, RunsFilter
from dagster._core.instance import InstanceRef
from dagster._time import get_current_datetime

from orchestration.errors import GoalpostError
from orchestration.settings import Settings
from orchestration.shortcuts import event_log_config

# What Dagster takes for under way.
ALIVE = [DagsterRunStatus.STARTING, DagsterRunStatus.STARTED, DagsterRunStatus.CANCELING]
# From its start on a run imports for seconds, then it holds the writer's lock.
PATIENCE_SECONDS = 60


# So much is read in half a second.
QUICKLY_READ_BYTES = 100_000_000


def write_config(settings: Settings) -> None:
    """dagster.yaml, written again at each start: it follows the home, and nobody edits it."""
    config = {
        "telemetry": {"enabled": False},
        "nux": {"enabled": False},  # no pop-up on the first visit
        # One writer at a time: runs queue. What `goalpost run` does meanwhile, the writer's lock holds back.
        "concurrency": {"runs": {"max_concurrent_runs": 1}},
        # A run that need not wait for another starts at once; the default is to look every 5 seconds.
        "run_coordinator": {
            "module": "dagster._core.run_coordinator",
            "class": "QueuedRunCoordinator",
            "config": {"dequeue_interval_seconds": 1},
        },
        "event_log_storage": event_log_config(settings.dagster_home / "history"),
    }
    settings.dagster_home.mkdir(parents=True, exist_ok=True)
    path = settings.dagster_home / "dagster.yaml"
    unfinished = path.with_suffix(".unfinished")
    unfinished.write_text(yaml.safe_dump(config, sort_keys=False), encoding="utf-8")
    unfinished.replace(path)


def renew_broken_history(settings: Settings, *, used_by: str | None) -> str | None:
    """The history of runs is all that Dagster knows, and nothing needs it: where it cannot be read, a new one
    begins. Returns what was done, in a sentence. `used_by`: the `goalpost dev` that has it open.

    Raises GoalpostError if it is broken and in use."""
    folder = settings.dagster_home
    broken, fault = next(
        ((path, fault) for path in folder.rglob("*.db") if (fault := _fault(path))), (None, None)
    )
    if broken is None:
        return None
    if used_by:
        raise GoalpostError(
            f"Dagster's history {broken} is broken ({fault}), and `goalpost dev` uses it, {used_by}: stop "
            "that, then try again; a new one is made."
        )
    aside = folder.with_name(f"{folder.name}.broken")
    shutil.rmtree(aside, ignore_errors=True)
    folder.replace(aside)
    return f"Dagster's history {broken} is broken ({fault}): it is moved to {aside}, and a new one begins."


def _fault(database: Path) -> str | None:
    """What SQLite says against the file; of one that would take long to read, only if it cannot be opened."""
    size = database.stat().st_size
    if size == 0:
        return "it is empty"
    is_small = size < QUICKLY_READ_BYTES
    try:
        with closing(sqlite3.connect(database, timeout=10)) as connection:
            connection.execute("select count(*) from sqlite_master").fetchall()
            found = connection.execute("pragma quick_check(1)").fetchone()[0] if is_small else "ok"
            if found == "ok":
                connection.execute("begin immediate")
                connection.rollback()
    except sqlite3.DatabaseError as error:
        # Held, full or not to be written is not broken: whoever writes says so.
        return str(error) if re.search("malformed|not a database|disk image", str(error)) else None
    return None if found == "ok" else "its pages do not fit together"


@contextmanager
def open_instance(settings: Settings) -> Iterator[DagsterInstance]:
    """For a run in this process, whose output is not copied into Dagster's compute logs but stays ours."""
    write_config(settings)
    no_compute_logs = {
        "module": "dagster._core.storage.noop_compute_log_manager",
        "class": "NoOpComputeLogManager",
    }
    reference = InstanceRef.from_dir(str(settings.dagster_home), overrides={"compute_logs": no_compute_logs})
    with DagsterInstance.from_ref(reference) as instance:
        yield instance


def forget_dead_runs(instance: DagsterInstance, *, silent_seconds: float = 0) -> list[str]:
    """A killed process leaves its run started, and all that come after it in the queue, for ever. Only for
    the one who knows that no run is alive: who holds the writer's lock while no `goalpost dev` runs; or who
    sees that nobody holds it, of runs that have said nothing for so long that they would have taken it.

    Returns the ids of the runs that are failed now."""

    def alive() -> dict[str, DagsterRun]:
        records = instance.get_run_records(RunsFilter(statuses=ALIVE))
        return {
            record.dagster_run.run_id: record.dagster_run
            for record in records
            if (get_current_datetime() - record.update_timestamp).total_seconds() >= silent_seconds
        }

    dead = alive()
    if dead and silent_seconds:
        time.sleep(2)  # one that is just done lets go of the lock before it says so
        dead = {run_id: run for run_id, run in alive().items() if run_id in dead}
    for run in dead.values():
        instance.report_run_failed(run, "Its process ended before it did.")
    return list(dead)
