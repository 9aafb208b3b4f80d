"""The working database: opening it, creating what a run expects in it, letting in one writer at a time.

Belongs here: connections, locks, the DDL of the schemas raw and control. Does not: what is written into them
(landing/, runs.py, checks/), and the schemas that dbt makes.
"""

import fcntl
import os
import re
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

import duckdb
from filelock import FileLock, Timeout

from orchestration.contract import RAW_TABLES, RawTable
from orchestration.errors import GoalpostError
from orchestration.modes import create_home
from orchestration.settings import Settings

# Files that DuckDB 1.4 and later read, published ones too. By its default, 1.0, writing takes a third longer.
STORAGE = "v1.4.0"

LEDGER_AND_CONTROL = """
create schema if not exists raw;
create schema if not exists control;

create table if not exists raw.files (
    file_id bigint not null,
    table_name varchar not null,
    path varchar not null,
    content_hash varchar not null,
    size_bytes bigint not null,
    rows bigint not null,
    loaded_at timestamp not null,
    outcome varchar not null check (outcome in ('loaded', 'set_aside')),
    reason varchar,
    unknown_columns varchar[] not null,
    fingerprint varchar not null,
    csv_delimiter varchar,
    csv_fields bigint,
    unique (path, content_hash)
);
-- Version 0.1.0 had them not.
alter table raw.files add column if not exists csv_delimiter varchar;
alter table raw.files add column if not exists csv_fields bigint;

create table if not exists control.clock (as_of timestamp not null);

create table if not exists control.watermark (file_id bigint not null);
insert into control.watermark select 0 where not exists (from control.watermark);

create table if not exists control.built_definitions (
    workspace_id varchar,
    owner_kind varchar,
    owner_id varchar,
    matters_from timestamp,
    content varchar
);

create table if not exists control.built_fact_months (
    fact varchar,
    month date,
    fact_rows bigint,
    fact_keys bigint,
    sum_of_keys varchar
);

create table if not exists control.increment (
    increment_id bigint not null,
    after_file_id bigint not null,
    until_file_id bigint not null,
    is_everything boolean not null,
    run_id varchar
);

create table if not exists control.built_models (
    model varchar primary key,
    increment_id bigint not null,
    code varchar not null,
    relation varchar not null,
    in_run boolean not null
);

create table if not exists control.runs (
    run_id varchar not null,
    started_at timestamp not null,
    finished_at timestamp,
    as_of timestamp not null,
    outcome varchar not null check (outcome in ('running', 'succeeded', 'failed', 'interrupted')),
    is_full_refresh boolean not null,
    files_loaded bigint,
    last_file_id bigint,
    built_file_id bigint,
    code_hash varchar,
    message varchar,
    figures json
);

create table if not exists control.check_results (
    run_id varchar not null,
    step varchar not null check (step in ('raw', 'staging', 'intermediate', 'marts')),
    suite varchar not null,
    expectation varchar not null,
    severity varchar not null check (severity in ('critical', 'warning')),
    success boolean not null,
    figures json,
    checked_at timestamp not null
);

create schema if not exists marts.control;
create table if not exists marts.control.written_by (run_id varchar not null);
"""


def connect(
    settings: Settings, *, read_only: bool = False, wait_seconds: float = 60
) -> duckdb.DuckDBPyConnection:
    """Open the working database, with its marts attached as `marts`; for writing (under `single_writer`) also
    with all that a run expects in it."""
    if not read_only:
        create_home(settings)
        create_file(settings.warehouse)
        create_file(settings.warehouse_marts)
    elif not settings.warehouse.exists():
        raise GoalpostError(f"There is no warehouse at {settings.warehouse} yet: start with `goalpost run`.")
    connection = _open(settings, read_only, wait_seconds)
    connection.execute("set timezone = 'UTC'")
    if not read_only:
        # Version 0.1.0 kept the marts there: `marts.fct_touches` must not name two tables.
        connection.execute("drop schema if exists warehouse.marts cascade")
        connection.execute(LEDGER_AND_CONTROL)
        for table in RAW_TABLES.values():
            connection.execute(raw_table_ddl(table))
    return connection


class WarehouseHeld(GoalpostError):
    """Another process has the file open: DuckDB lets nobody else in, readers neither."""


@contextmanager
def single_writer(settings: Settings) -> Iterator[None]:
    """Hold the right to write, or say who holds it. Not reentrant; it ends with its process."""
    create_home(settings)
    path = settings.home / "writer.lock"
    lock = FileLock(path)
    try:
        lock.acquire(blocking=False)
    except Timeout:
        holder = path.read_text(encoding="utf-8").strip() or "another process"
        raise GoalpostError(
            f"{settings.home} is being written by {holder}: wait until it is done, or stop it, and try again."
        ) from None
    try:
        path.write_text(f"process {os.getpid()}, since {datetime.now(UTC):%Y-%m-%d %H:%M:%S} UTC\n", "utf-8")
        yield
    finally:
        lock.release()


def writer(settings: Settings) -> str | None:
    """Who holds the right to write just now, in words, and since when; None: nobody. Without taking it."""
    path = settings.home / "writer.lock"
    try:
        with path.open("rb") as lock:
            fcntl.flock(lock, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except FileNotFoundError:
        return None
    except BlockingIOError:
        return path.read_text(encoding="utf-8").strip() or "another process"
    return None


def first_line(error: duckdb.Error) -> str:
    """What DuckDB says, to be quoted inside a sentence: below its first line it explains SQL."""
    return str(error).splitlines()[0].rstrip(".!")


def literal(path: Path) -> str:
    return "'" + str(path).replace("'", "''") + "'"


def raw_table_ddl(table: RawTable) -> str:
    """Every value as the text that landed. `raw_record`: the whole of a record without columns (bad_row)."""
    columns = ", ".join(f'"{column.name}" varchar' for column in table.columns)
    return (
        f'create table if not exists raw."{table.name}" '
        f"(file_id bigint not null, row_number bigint not null, {columns}, raw_record varchar)"
    )


def create_file(path: Path) -> None:
    """Create a database under another name first: killed half-way, DuckDB leaves a file it cannot open."""
    if not path.exists():
        unfinished = path.with_suffix(".new")
        unfinished.unlink(missing_ok=True)
        duckdb.connect(unfinished, config={"storage_compatibility_version": STORAGE}).close()
        unfinished.replace(path)


def _open(settings: Settings, read_only: bool, wait_seconds: float) -> duckdb.DuckDBPyConnection:
    deadline = time.monotonic() + wait_seconds
    while True:
        try:
            return _open_both(settings, read_only)
        except WarehouseHeld as held:
            if time.monotonic() >= deadline:
                raise WarehouseHeld(
                    f"{held} and was not released within {wait_seconds:g} s: close it there and try again."
                ) from None
            time.sleep(0.1)


def _open_both(settings: Settings, read_only: bool) -> duckdb.DuckDBPyConnection:
    remedy = "put it back from a copy, or move it away and let `goalpost run` load everything anew."
    with _faults_told(f"The warehouse {settings.warehouse}", remedy):
        connection = duckdb.connect(settings.warehouse, read_only=read_only)
    if settings.warehouse_marts.exists():
        mode = " (read_only)" if read_only else ""
        remedy = "move it away and let `goalpost run` build the marts anew."
        try:
            with _faults_told(f"The marts of the warehouse, {settings.warehouse_marts},", remedy):
                connection.execute(f"attach if not exists {literal(settings.warehouse_marts)} as marts{mode}")
        except GoalpostError:
            connection.close()
            raise
    return connection


@contextmanager
def _faults_told(what: str, remedy: str) -> Iterator[None]:
    try:
        yield
    except duckdb.IOException as error:
        message = str(error)
        if "Could not set lock" in message:
            raise WarehouseHeld(f"{what} is held by {_holder(message)}") from None
        raise GoalpostError(f"{what} cannot be opened ({first_line(error)}): {remedy}") from error


def _holder(message: str) -> str:
    found = re.search(r"\(PID (\d+)\)", message)
    return f"process {found[1]}" if found else "another process"
