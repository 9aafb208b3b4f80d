"""Dagster's own state: $GOALPOST_HOME/dagster.

Belongs here: its configuration, and repairing it. Does not: what runs.
"""

import re
import shutil
import sqlite3
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from datetime import UTC, datetime
from importlib.util import find_spec
from pathlib import Path

import yaml
from dagster import DagsterInstance, DagsterRun, DagsterRunStatus, RunsFilter
from dagster._core.execution.stats import StepEventStatus
from dagster._core.instance import InstanceRef
from dagster._core.remote_origin import RegisteredCodeLocationOrigin, RemoteJobOrigin, RemoteRepositoryOrigin
from dagster._core.scheduler.instigation import SensorInstigatorData
from dagster._core.storage.event_log import SqlEventLogStorage
from dagster._core.storage.event_log.schema import AssetCheckExecutionsTable
from dagster._time import get_current_datetime

from orchestration.errors import GoalpostError
from orchestration.faults import history_unreachable
from orchestration.settings import Settings
from orchestration.shortcuts import event_log_config, postgres_event_log_config

# The statuses of runs that Dagster considers running.
ALIVE = [DagsterRunStatus.STARTING, DagsterRunStatus.STARTED, DagsterRunStatus.CANCELING]
# After its start a run imports for some seconds, then it holds the writer's lock.
PATIENCE_SECONDS = 60


# As Dagster names what workspace.yaml loads.
CODE_LOCATION, REPOSITORY = "orchestration.definitions", "__repository__"
IN_CODE_LOCATION = {".dagster/repository": f"{REPOSITORY}@{CODE_LOCATION}"}

# SQLite checks a file of this size in half a second.
QUICKLY_READ_BYTES = 100_000_000

# A run leaves 900 events, 2 MB. What it did in figures is in control.runs, for ever.
KEPT_RUNS = 100


def write_config(settings: Settings) -> None:
    """Write dagster.yaml, at each start: its paths depend on the home, and nobody edits it."""
    config = {
        "telemetry": {"enabled": False},
        "nux": {"enabled": False},  # no pop-up on the first visit
        # One writer at a time: runs wait in a queue. The writer's lock also holds back `goalpost run`.
        "concurrency": {"runs": {"max_concurrent_runs": 1}},
        # A run that need not wait for another starts at once; by default, Dagster checks every 5 seconds.
        "run_coordinator": {
            "module": "dagster._core.run_coordinator",
            "class": "QueuedRunCoordinator",
            "config": {"dequeue_interval_seconds": 1},
        },
        # A run whose process was killed starts once more, if it says so (defs/automation.py). One that failed
        # would fail again.
        "run_retries": {"enabled": True, "max_retries": 0, "retry_on_asset_or_op_failure": False},
        # It looks every 5 seconds: by default, what it skipped is kept for a week, all else for ever.
        "retention": {
            "schedule": {"purge_after_days": 30},
            "sensor": {"purge_after_days": {"skipped": 1, "success": 30, "failure": 30, "started": 30}},
        },
    }
    if settings.dagster_postgres_url:
        # Dagster reads the URL where it runs: no file holds the password.
        url = {"postgres_url": {"env": "GOALPOST_DAGSTER_POSTGRES_URL"}}
        for name, kind in {
            "run_storage": "PostgresRunStorage",
            "schedule_storage": "PostgresScheduleStorage",
        }.items():
            config[name] = {"module": f"dagster_postgres.{name}", "class": kind, "config": url}
        config["event_log_storage"] = postgres_event_log_config(url)
    else:
        config["event_log_storage"] = event_log_config(settings.dagster_home / "history")
    settings.dagster_home.mkdir(parents=True, exist_ok=True)
    path = settings.dagster_home / "dagster.yaml"
    unfinished = path.with_suffix(".unfinished")
    unfinished.write_text(yaml.safe_dump(config, sort_keys=False), encoding="utf-8")
    unfinished.replace(path)


def renew_broken_history(settings: Settings, *, used_by: str | None) -> str | None:
    """Replace Dagster's history of runs if it cannot be read: it is all that Dagster stores, and no run needs
    it. Returns what was done, in a sentence. `used_by`: the `goalpost dev` that has it open.

    Raises GoalpostError if the history is broken and in use; lets OSError pass."""
    folder = settings.dagster_home
    broken, fault = next(
        ((path, fault) for path in folder.rglob("*.db") if (fault := _fault(path))), (None, None)
    )
    if broken is None:
        return None
    if used_by:
        raise GoalpostError(
            f"Dagster's history {broken} is broken ({fault}), and `goalpost dev` uses it, {used_by}: stop "
            "that, then try again; a new one is created."
        )
    aside = folder.with_name(f"{folder.name}.broken")
    shutil.rmtree(aside, ignore_errors=True)
    folder.replace(aside)
    return f"Dagster's history {broken} is broken ({fault}): it is moved to {aside}, and a new one begins."


def _fault(database: Path) -> str | None:
    """What SQLite finds wrong with the file; for a large one, which would take long to read, only whether it
    can be opened."""
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
        # A file that is locked, read-only or on a full disk is not broken: the code that writes reports that.
        return str(error) if re.search("malformed|not a database|disk image", str(error)) else None
    return None if found == "ok" else "its pages are inconsistent"


@contextmanager
def open_instance(settings: Settings) -> Iterator[DagsterInstance]:
    """Dagster's instance for a run in this process, whose output does not go into Dagster's compute logs.

    Raises GoalpostError if its history is in a PostgreSQL that cannot be reached."""
    write_config(settings)
    if settings.dagster_postgres_url:
        _reach(settings.dagster_postgres_url.get_secret_value())
    no_compute_logs = {
        "module": "dagster._core.storage.noop_compute_log_manager",
        "class": "NoOpComputeLogManager",
    }
    reference = InstanceRef.from_dir(str(settings.dagster_home), overrides={"compute_logs": no_compute_logs})
    with DagsterInstance.from_ref(reference) as instance:
        yield instance


def _reach(postgres_url: str) -> None:
    """Dagster itself would try for long, and tell in many lines."""
    if find_spec("dagster_postgres") is None:
        raise GoalpostError(
            "Dagster's history in PostgreSQL needs dagster-postgres: `uv pip install 'goalpost[postgres]'`."
        )
    import psycopg2

    try:
        psycopg2.connect(postgres_url, connect_timeout=10).close()
    except psycopg2.Error as error:
        raise GoalpostError(history_unreachable(str(error))) from None


def show_in_timeline(instance: DagsterInstance, run_id: str) -> None:
    """Let the timeline of the web UI show a run that was executed in this process: the timeline has only runs
    of a code location. The run must have the tags IN_CODE_LOCATION."""
    run = instance.get_run_by_id(run_id)
    assert run
    origin = RemoteJobOrigin(
        RemoteRepositoryOrigin(RegisteredCodeLocationOrigin(CODE_LOCATION), REPOSITORY), run.job_name
    )
    instance.run_storage.replace_job_origin(run, origin)


# How a step ended, in the words of control.run_steps.
ENDINGS: dict[StepEventStatus | None, str] = {
    StepEventStatus.SUCCESS: "succeeded",
    StepEventStatus.FAILURE: "failed",
}


def steps_of(instance: DagsterInstance, run_id: str) -> list[tuple[str, datetime, datetime | None, str]]:
    """The steps of a run that began, in order: name, start and end (UTC), outcome. A step without an end is
    `running`, also if its process was killed."""
    return [
        (step.step_key, began, _moment(step.end_time), ENDINGS.get(step.status, "running"))
        for step in sorted(instance.get_run_step_stats(run_id), key=lambda step: step.start_time or 0)
        if step.status != StepEventStatus.SKIPPED and (began := _moment(step.start_time))
    ]


def _moment(seconds: float | None) -> datetime | None:
    return datetime.fromtimestamp(seconds, UTC).replace(tzinfo=None) if seconds else None


def last_signs_of_life(instance: DagsterInstance) -> dict[str, datetime]:
    """When the daemons and sensors last did something (UTC): "sensor daemon", "sensor new_files", …"""
    daemons = {
        f"{each.daemon_type.lower()} daemon": each.timestamp
        for each in instance.get_daemon_heartbeats().values()
    }
    sensors = {
        f"sensor {state.name}": state.instigator_data.last_tick_timestamp
        for state in instance.all_instigator_state()
        if isinstance(state.instigator_data, SensorInstigatorData)
        and state.instigator_data.last_tick_timestamp
    }
    return {
        name: datetime.fromtimestamp(seconds, UTC).replace(tzinfo=None)
        for name, seconds in (daemons | sensors).items()
    }


def forget_dead_runs(instance: DagsterInstance, *, silent_seconds: float = 0) -> list[str]:
    """Mark runs as failed whose process was killed: Dagster considers them running, and all later runs would
    wait in the queue forever. Call it only if no run is alive: the caller holds the writer's lock and no
    `goalpost dev` runs, or no process holds the lock; then `silent_seconds` selects runs that have been
    silent for so long that they would have taken the lock.

    Returns the ids of the runs that it marked as failed."""

    def alive() -> dict[str, DagsterRun]:
        records = instance.get_run_records(RunsFilter(statuses=ALIVE))
        return {
            record.dagster_run.run_id: record.dagster_run
            for record in records
            if (get_current_datetime() - record.update_timestamp).total_seconds() >= silent_seconds
        }

    dead = alive()
    if dead and silent_seconds:
        time.sleep(2)  # a run that has just finished releases the lock before it reports success
        dead = {run_id: run for run_id, run in alive().items() if run_id in dead}
    for run in dead.values():
        instance.report_run_failed(run, "Its process ended before it did.")
    return list(dead)


def forget_old_runs(settings: Settings, instance: DagsterInstance) -> None:
    """Remove all but the newest runs from Dagster's history, which would otherwise fill the disk. Each run
    removes one, or a few of an older Goalpost."""
    ended = [DagsterRunStatus.SUCCESS, DagsterRunStatus.FAILURE, DagsterRunStatus.CANCELED]
    for run_id in instance.get_run_ids(RunsFilter(statuses=ended), limit=KEPT_RUNS + 10)[KEPT_RUNS:]:
        instance.delete_run(run_id)
        # delete_run leaves these.
        assert isinstance(instance.event_log_storage, SqlEventLogStorage)
        with instance.event_log_storage.index_connection() as connection:
            connection.execute(
                AssetCheckExecutionsTable.delete().where(AssetCheckExecutionsTable.c.run_id == run_id)
            )
        shutil.rmtree(settings.dagster_home / "storage" / run_id, ignore_errors=True)
