"""Shortcuts: a run uses internals of a tool, or avoids the tool, if its own way costs half a second or more.

Belongs here: every shortcut, with the CPU seconds that it saves a run on a thousand rows and the version that
it was measured with. Does not: what a tool offers as a setting, and anything that changes a result.

GOALPOST_SHORTCUTS=off turns all of them off: everything works, but slower. tests/test_shortcuts.py fails if a
tool no longer has the internals that a shortcut uses, and runs the pipeline without shortcuts.
"""

import gc
import os
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from functools import cache
from importlib import import_module
from pathlib import Path
from types import ModuleType
from typing import Any, NoReturn


def are_on() -> bool:
    return os.environ.get("GOALPOST_SHORTCUTS") != "off"


# ---- Python 3.11 -------------------------------------------------------------------------------------------


def collect_rarely() -> None:
    """Saves 0.9 s (0.2 to 0.3 in each of three processes). Importing creates hundreds of thousands of objects
    that stay, and Python searches them for garbage repeatedly."""
    if are_on():
        gc.set_threshold(100_000, 20, 100)


def leave(code: int) -> NoReturn:
    """Saves 1.1 s (0.6 with Dagster, 0.5 with dbt). The process ends without cleaning up thousands of
    modules. Files must be closed."""
    if not are_on():
        sys.exit(code)
    with suppress(OSError):
        sys.stdout.flush()
        sys.stderr.flush()
    os._exit(code)


# ---- Great Expectations 1.24.1 -----------------------------------------------------------------------------


class _Later(ModuleType):
    def __getattr__(self, name: str) -> object:
        if name.startswith("__"):
            raise AttributeError(name)
        sys.modules.pop(self.__name__, None)
        return getattr(import_module(self.__name__), name)


def import_when_used(*names: str) -> None:
    """Saves 0.6 s for scipy.stats and altair. Great Expectations imports them to compare and draw
    distributions, which no rule needs: each is imported when it is first used."""
    for name in names:
        if are_on() and name not in sys.modules:
            sys.modules[name] = _Later(name)


# ---- dagster-dbt 0.29.27 -----------------------------------------------------------------------------------


@contextmanager
def not_importing(name: str) -> Iterator[None]:
    """Saves 1.1 s for dbt.version. dagster-dbt imports dbt to name its types, but also works if dbt is not
    installed. dbt runs in a process of its own, so in this block the module seems not to be installed, unless
    it is already imported."""
    if name in sys.modules or not are_on():
        yield
        return
    sys.modules[name] = None  # type: ignore[assignment]
    try:
        yield
    finally:
        del sys.modules[name]


# ---- dagster 1.13.27 ---------------------------------------------------------------------------------------


@cache
def _event_log() -> type:
    """Saves 2 s. For each of the 800 events of a run, Dagster's own class opens a new engine, checks that its
    tables exist, and waits for the disk. With this one, a power cut may lose the last events, never the
    log."""
    import sqlalchemy
    import sqlalchemy.event
    from dagster._core.storage.event_log import ConsolidatedSqliteEventLogStorage

    def relax(connection: Any, _: object) -> None:
        connection.execute("pragma synchronous = normal")

    class EventLog(ConsolidatedSqliteEventLogStorage):
        def __init__(self, *arguments: Any, **named: Any) -> None:
            self.engine: sqlalchemy.Engine | None = None
            self.seen_tables: set[str] = set()
            super().__init__(*arguments, **named)

        @contextmanager
        def _connect(self) -> Iterator[sqlalchemy.Connection]:
            if self.engine is None:
                self.engine = sqlalchemy.create_engine(self._conn_string, connect_args={"timeout": 60})
                sqlalchemy.event.listen(self.engine, "connect", relax)
            with self.engine.begin() as connection:
                yield connection

        def has_table(self, table_name: str) -> bool:
            if table_name not in self.seen_tables and super().has_table(table_name):
                self.seen_tables.add(table_name)
            return table_name in self.seen_tables

    return EventLog


@cache
def _postgres_event_log() -> type:
    """Saves 10 s. For each of the 900 events of a run, Dagster's own class opens a connection or
    two."""
    from dagster_postgres import PostgresEventLogStorage
    from dagster_postgres.utils import create_pg_engine, pg_url_from_config

    class PostgresEventLog(PostgresEventLogStorage):
        def __init__(self, *arguments: Any, **named: Any) -> None:
            super().__init__(*arguments, **named)
            # The server may have been started again since the last event.
            pool = {"pool_size": 1, "pool_pre_ping": True}
            self._engine = create_pg_engine(self.postgres_url, isolation_level="AUTOCOMMIT", **pool)

        @classmethod
        def from_config_value(cls, inst_data: Any, config_value: Mapping[str, Any]) -> "PostgresEventLog":
            return cls(inst_data=inst_data, postgres_url=pg_url_from_config(config_value))

    return PostgresEventLog


def __getattr__(name: str) -> type:
    """Dagster looks the event log up by name; so the processes of dbt and of the checks need not import
    Dagster."""
    if name == "EventLog":
        return _event_log()
    if name == "PostgresEventLog":
        return _postgres_event_log()
    raise AttributeError(name)


def event_log_config(folder: Path) -> dict[str, Any]:
    """The event log in dagster.yaml. Both classes write the same file."""
    own = ("dagster._core.storage.event_log", "ConsolidatedSqliteEventLogStorage")
    module, name = (__name__, "EventLog") if are_on() else own
    return {"module": module, "class": name, "config": {"base_dir": str(folder)}}


def postgres_event_log_config(config: dict[str, Any]) -> dict[str, Any]:
    """The same, in PostgreSQL."""
    own = ("dagster_postgres.event_log", "PostgresEventLogStorage")
    module, name = (__name__, "PostgresEventLog") if are_on() else own
    return {"module": module, "class": name, "config": config}


# ---- dbt-core 1.12.6, dbt-common ---------------------------------------------------------------------------


def keep_templates(folder: Path) -> None:
    """Saves 0.6 s. dbt compiles each template again in each process; this gives its Jinja a bytecode
    cache."""
    if not are_on():
        return
    from dbt_common.clients.jinja import MacroFuzzEnvironment
    from jinja2 import FileSystemBytecodeCache

    folder.mkdir(parents=True, exist_ok=True)
    bytecode, compiled = FileSystemBytecodeCache(str(folder)), MacroFuzzEnvironment.compile

    def compile(self: MacroFuzzEnvironment, source: str, *arguments: Any, **named: Any) -> Any:
        if arguments or named or not isinstance(source, str):
            return compiled(self, source, *arguments, **named)
        name = f"{self.code_generator_class.__name__} {source}"
        try:
            bucket = bytecode.get_bucket(self, name, None, source)
        except Exception:  # a cache file is broken: compile all templates again
            bytecode.clear()
            bucket = bytecode.get_bucket(self, name, None, source)
        if bucket.code is None:
            bucket.code = compiled(self, source)
            bytecode.set_bucket(bucket)
        return bucket.code

    MacroFuzzEnvironment.compile = compile  # pyright: ignore[reportAttributeAccessIssue]
