"""Dagster's own state: $GOALPOST_HOME/dagster.

Belongs here: its configuration, and keeping it out of the way. Does not: what runs.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from functools import cached_property

import sqlalchemy
import sqlalchemy.event
import yaml
from dagster import DagsterInstance, DagsterRunStatus, RunsFilter
from dagster._core.instance import InstanceRef
from dagster._core.storage.event_log import ConsolidatedSqliteEventLogStorage

from orchestration.settings import Settings


class EventLog(ConsolidatedSqliteEventLogStorage):
    """Dagster's own opens a new engine for each of the many hundred events of a run, looks whether its tables
    are there, and waits for the disk after each, which took longer than the work. A power cut may cost the
    last events, never the log."""

    @cached_property
    def _engine(self) -> sqlalchemy.Engine:
        engine = sqlalchemy.create_engine(self._conn_string, connect_args={"timeout": 60})

        @sqlalchemy.event.listens_for(engine, "connect")
        def relax(connection, _) -> None:
            connection.execute("pragma synchronous = normal")

        return engine

    @cached_property
    def _seen_tables(self) -> set[str]:
        return set()

    def has_table(self, table_name: str) -> bool:
        if table_name not in self._seen_tables and super().has_table(table_name):
            self._seen_tables.add(table_name)
        return table_name in self._seen_tables

    @contextmanager
    def _connect(self) -> Iterator[sqlalchemy.Connection]:
        with self._engine.begin() as connection:
            yield connection


def write_config(settings: Settings) -> None:
    """dagster.yaml, written anew at each start: it follows the home, and nobody edits it."""
    config = {
        "telemetry": {"enabled": False},
        "nux": {"enabled": False},  # no pop-up on the first visit
        # One writer at a time: runs queue, and so do ops that open the warehouse.
        "concurrency": {"runs": {"max_concurrent_runs": 1}, "pools": {"default_limit": 1}},
        # A run that need not wait for another starts at once; the default is to look every 5 seconds.
        "run_coordinator": {
            "module": "dagster._core.run_coordinator",
            "class": "QueuedRunCoordinator",
            "config": {"dequeue_interval_seconds": 1},
        },
        "event_log_storage": {
            "module": __name__,
            "class": EventLog.__name__,
            "config": {"base_dir": str(settings.dagster_home / "history")},
        },
    }
    settings.dagster_home.mkdir(parents=True, exist_ok=True)
    path = settings.dagster_home / "dagster.yaml"
    unfinished = path.with_suffix(".unfinished")
    unfinished.write_text(yaml.safe_dump(config, sort_keys=False), encoding="utf-8")
    unfinished.replace(path)


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


def forget_dead_runs(instance: DagsterInstance) -> None:
    """A killed process leaves its run started and its place in the pool taken, for ever. Only for the one who
    holds the writer's lock: nobody else's run is alive then."""
    for run in instance.get_runs(RunsFilter(statuses=[DagsterRunStatus.STARTED])):
        instance.report_run_failed(run, "Its process ended before it did.")
        instance.event_log_storage.free_concurrency_slots_for_run(run.run_id)
