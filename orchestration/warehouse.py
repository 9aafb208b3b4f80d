"""The working database: opening it, creating what a run expects in it, admitting one writer at a time.

Belongs here: connections, locks, the DDL of the schemas raw and control. Does not: what is written into them
(landing/, runs.py, checks/), and the schemas that dbt creates.
"""

import re
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import duckdb

from orchestration.contract import RAW_TABLES, RawTable
from orchestration.errors import GoalpostError
from orchestration.locks import PATIENCE_SECONDS, held, holder
from orchestration.modes import create_home
from orchestration.settings import Settings

NEWER_DUCKDB = "Trying to read a database file with version number"

# DuckDB 1.4 and later can read these files, also the published ones. With its default, 1.0, writing takes a
# third longer.
STORAGE = "v1.4.0"

# Raise it when you change a table that an older Goalpost would then write wrongly.
LAYOUT = 1

# Files of which nothing counts: no file under the same name has been loaded since. (A vendor's file has an
# entry for each of its tables.)
STILL_SET_ASIDE = """
select path, max(loaded_at), max(reason)
from raw.files as files
where outcome = 'set_aside' and not exists (
    select 1 from raw.files as later
    where later.path = files.path and later.table_name = files.table_name and later.file_id > files.file_id
)
group by path
order by max(file_id) desc
"""

LEDGER = """
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
    unique (path, content_hash, table_name)
);
"""

LEDGER_AND_CONTROL = f"""
create schema if not exists raw;
create schema if not exists control;

create table if not exists control.layout (version integer not null);
insert into control.layout select {LAYOUT} where not exists (from control.layout);
update control.layout set version = {LAYOUT} where version < {LAYOUT};

{LEDGER}
-- Version 0.1.0 had them not.
alter table raw.files add column if not exists csv_delimiter varchar;
alter table raw.files add column if not exists csv_fields bigint;

create table if not exists control.clock (as_of timestamp not null);

create table if not exists control.watermark (file_id bigint not null);
insert into control.watermark select 0 where not exists (from control.watermark);

create table if not exists control.erasures (
    people bigint not null,
    erased_at timestamp not null,
    file_ids bigint[] not null
);

create table if not exists control.built_definitions (
    workspace_id varchar,
    owner_kind varchar,
    owner_id varchar,
    matters_from timestamp,
    content varchar
);

create table if not exists control.built_fact_months (
    fact varchar,
    fact_month date,
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

create table if not exists control.redo (
    workspace_id varchar,
    profile_id varchar,
    profile_key bigint not null,
    affected_from timestamp not null
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

create table if not exists control.run_steps (
    run_id varchar not null,
    step varchar not null,
    started_at timestamp not null,
    finished_at timestamp,
    outcome varchar not null check (outcome in ('running', 'succeeded', 'failed', 'interrupted'))
);

create table if not exists control.run_quarantine (
    run_id varchar not null,
    table_name varchar not null,
    reason_code varchar not null,
    rows bigint not null
);

create table if not exists control.mart_changes (
    run_id varchar not null,
    mart varchar not null,
    rows_added bigint not null,
    rows_removed bigint not null,
    rows_changed bigint not null,
    first_day date
);

create schema if not exists marts.control;
create table if not exists marts.control.written_by (run_id varchar not null);
"""


def connect(
    settings: Settings, *, read_only: bool = False, wait_seconds: float = 60
) -> duckdb.DuckDBPyConnection:
    """Open the working database, with its marts attached as `marts`. For writing (under `single_writer`),
    also create everything that a run expects in it.

    Raises WarehouseHeld if another process has it open for longer than `wait_seconds`; GoalpostError if it is
    missing (read_only), cannot be opened or created, or a newer Goalpost or DuckDB wrote it.
    """
    if not read_only:
        create_home(settings)
        create_file(settings.warehouse)
        create_file(settings.warehouse_marts)
    elif not settings.warehouse.exists():
        raise GoalpostError(f"There is no warehouse at {settings.warehouse} yet: start with `goalpost run`.")
    connection = _open(settings, read_only, wait_seconds)
    _refuse_newer_layout(settings, connection)
    connection.execute("set timezone = 'UTC'")
    if not read_only:
        # Version 0.1.0 kept the marts there: `marts.fct_touches` must not name two tables.
        connection.execute("drop schema if exists warehouse.marts cascade")
        connection.execute(LEDGER_AND_CONTROL)
        _admit_several_tables_of_a_file(connection)
        for table in RAW_TABLES.values():
            connection.execute(raw_table_ddl(table))
    return connection


class WarehouseHeld(GoalpostError):
    """Another process has the file open: DuckDB lets no other process in beside a writer."""


@contextmanager
def single_writer(settings: Settings, patience: float = PATIENCE_SECONDS) -> Iterator[None]:
    """Hold the lock for writing; it ends with its process.

    Raises locks.Held, which says who holds it, if another process does for longer than `patience` seconds;
    GoalpostError if the home cannot be created or written.
    """
    create_home(settings)
    refusal = f"{settings.home} is being written by {{}}: wait until it is done, or stop it, and try again."
    with held(settings.writer_lock, refusal, patience):
        yield


def writer(settings: Settings) -> str | None:
    """The process that holds the lock for writing now; None if there is none.

    Raises OSError if the lock is there and cannot be read.
    """
    return holder(settings.writer_lock)


def first_line(error: duckdb.Error) -> str:
    """The first line of a DuckDB error, to quote in a sentence: the lines below it explain SQL."""
    return str(error).splitlines()[0].rstrip(".!")


@contextmanager
def transaction(connection: duckdb.DuckDBPyConnection) -> Iterator[None]:
    """Commit what the block does; if it raises, roll back, and let the error pass. (Without the rollback,
    closing a connection whose PostgreSQL server is gone would end the process.)"""
    connection.begin()
    try:
        yield
        connection.commit()
    except BaseException:
        with suppress(duckdb.Error):
            connection.rollback()
        raise


def literal(text: Path | str) -> str:
    return "'" + str(text).replace("'", "''") + "'"


def raw_table_ddl(table: RawTable) -> str:
    """Every value is the text that landed. `raw_record`: the whole record, if it has no columns (bad_row).
    `vendor_record`: the row as the vendor wrote it, as JSON, if an adapter made the columns of it."""
    columns = ", ".join(f'"{column.name}" varchar' for column in table.columns)
    return (
        f'create table if not exists raw."{table.name}" '
        f"(file_id bigint not null, row_number bigint not null, {columns}, raw_record varchar); "
        f'alter table raw."{table.name}" add column if not exists vendor_record varchar'  # new after 0.3.0
    )


def _admit_several_tables_of_a_file(connection: duckdb.DuckDBPyConnection) -> None:
    """Until version 0.3.0 the ledger had one entry per file, and DuckDB cannot change a constraint."""
    has_old_key = connection.execute(
        "select 1 from duckdb_constraints() where schema_name = 'raw' and table_name = 'files' "
        "and constraint_type = 'UNIQUE' and len(constraint_column_names) = 2"
    ).fetchone()
    if has_old_key:
        with transaction(connection):
            connection.execute("alter table raw.files rename to files_until_0_3_0")
            connection.execute(LEDGER)
            connection.execute("insert into raw.files by name select * from raw.files_until_0_3_0")
            connection.execute("drop table raw.files_until_0_3_0")


def mend(settings: Settings) -> list[str]:
    """Before a run, as the only writer: set aside files that would stop the run and that it can make again.
    The warehouse itself is never set aside. Returns what was done, in sentences.

    Raises GoalpostError if a newer DuckDB wrote the marts.
    """
    done = []
    for database in (settings.warehouse, settings.warehouse_marts):
        log = _log(database)
        if log.exists() and not database.exists():  # DuckDB would replay it into the next database
            done.append(f"{log} belongs to a database that is gone: it is moved to {_set_aside(log)}.")
    marts = settings.warehouse_marts
    if marts.exists():
        try:
            duckdb.connect(marts).close()
        except duckdb.Error as error:
            if NEWER_DUCKDB in str(error):
                raise GoalpostError(newer_duckdb(marts)) from error
            if "Could not set lock" not in str(error):
                aside = set_marts_aside(settings)
                done.append(
                    f"The marts of the warehouse, {marts}, cannot be opened ({first_line(error)}): they are "
                    f"moved to {aside} and rebuilt."
                )
    return done


def set_marts_aside(settings: Settings) -> Path:
    """Set the marts aside, so that the next run rebuilds everything. Only for the one writer."""
    _set_aside(_log(settings.warehouse_marts))
    return _set_aside(settings.warehouse_marts)


def newer_duckdb(path: Path) -> str:
    return (
        f"{path} was written by a newer DuckDB than {duckdb.__version__}, which cannot read it: use the "
        "Goalpost that wrote it, or set GOALPOST_HOME to another folder."
    )


def _log(database: Path) -> Path:
    return database.with_name(f"{database.name}.wal")


def _set_aside(path: Path) -> Path:
    aside = path.with_name(f"{path.name}.broken")
    if path.exists():
        path.replace(aside)
    return aside


def _refuse_newer_layout(settings: Settings, connection: duckdb.DuckDBPyConnection) -> None:
    try:
        found = connection.execute("select max(version) from control.layout").fetchone()
    except duckdb.CatalogException:  # an older Goalpost did not record it, or the file is empty
        return
    if found and found[0] and found[0] > LAYOUT:
        connection.close()
        raise GoalpostError(
            f"The warehouse {settings.warehouse} was written by a newer Goalpost: use that one, or set "
            "GOALPOST_HOME to another folder."
        )


def create_file(path: Path) -> None:
    """Create a database if it is missing, under another name first: if killed half-way, DuckDB leaves a file
    that it cannot open. Lets duckdb.Error and OSError pass."""
    if not path.exists():
        unfinished = path.with_suffix(".new")
        for leftover in (unfinished, _log(unfinished)):
            leftover.unlink(missing_ok=True)
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
    remedy = "put it back from a copy, or move it away and let `goalpost run` load everything again."
    with _faults_told(settings.warehouse, f"The warehouse {settings.warehouse}", remedy):
        connection = duckdb.connect(settings.warehouse, read_only=read_only)
    if settings.warehouse_marts.exists():
        mode = " (read_only)" if read_only else ""
        marts, remedy = settings.warehouse_marts, "`goalpost run` rebuilds them."
        try:
            with _faults_told(marts, f"The marts of the warehouse, {marts},", remedy):
                connection.execute(f"attach if not exists {literal(marts)} as marts{mode}")
        except GoalpostError:
            connection.close()
            raise
    return connection


@contextmanager
def _faults_told(path: Path, what: str, remedy: str) -> Iterator[None]:
    try:
        yield
    except duckdb.Error as error:
        message = str(error)
        if "Could not set lock" in message:
            raise WarehouseHeld(f"{what} is held by {_holder(message)}") from None
        if NEWER_DUCKDB in message:
            raise GoalpostError(newer_duckdb(path)) from error
        raise GoalpostError(f"{what} cannot be opened ({first_line(error)}): {remedy}") from error


def _holder(message: str) -> str:
    found = re.search(r"\(PID (\d+)\)", message)
    return f"process {found[1]}" if found else "another process"
