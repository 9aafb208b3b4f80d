"""Publishing: the marts as one DuckDB file and as Parquet, for whoever reads them.

Belongs here: what readers get, replaced whole. Does not: what is in a mart (dbt) or whether it is right
(checks/); but it asks, and refuses.

Readers never open the working file: while a run writes, nobody else can, and while they read, no run could.
Each published file is written beside its place and renamed into it, so that at any moment it is the old or
the new one, and a reader of the old one keeps its answers.
"""

import os
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

import duckdb

from orchestration.checks.suites import critical_failures, refusal
from orchestration.errors import GoalpostError
from orchestration.settings import Settings
from orchestration.warehouse import connect

UNFINISHED = ".unfinished"


@dataclass(frozen=True)
class Published:
    database: Path
    folder: Path
    rows: dict[str, int]  # by mart


def publish(settings: Settings, run_id: str) -> Published:
    with closing(connect(settings)) as connection:
        # Dagster holds publishing back only for the checks of raw tables and marts (defs/checks.py).
        if failures := critical_failures(connection, run_id):
            raise GoalpostError(refusal(failures))
        connection.execute("checkpoint")
        marts = _marts(connection)
        _remove_unfinished(settings)
        written = [_write_database(connection, marts, settings.published)]
        written += [_write_parquet(connection, mart, settings.published_parquet) for mart in marts]
        rows = {mart: _count(connection, mart) for mart in marts}
    for place in written:
        _replace(place)
    _remove_parquet_of_other_marts(settings, marts)
    return Published(settings.published, settings.published_parquet, rows)


def _marts(connection: duckdb.DuckDBPyConnection) -> list[str]:
    found = connection.execute(
        "select table_name from information_schema.tables where table_schema = 'marts' order by table_name"
    ).fetchall()
    return [name for (name,) in found]


def _write_database(connection: duckdb.DuckDBPyConnection, marts: list[str], place: Path) -> Path:
    connection.execute(f"attach {_literal(_unfinished(place))} as published")
    for mart in marts:
        connection.execute(f"create table published.{_name(mart)} as from marts.{_name(mart)}")
    connection.execute("checkpoint published")
    connection.execute("detach published")
    return place


def _write_parquet(connection: duckdb.DuckDBPyConnection, mart: str, folder: Path) -> Path:
    place = folder / mart / f"{mart}.parquet"
    place.parent.mkdir(parents=True, exist_ok=True)
    connection.execute(f"copy marts.{_name(mart)} to {_literal(_unfinished(place))} (format parquet)")
    return place


def _count(connection: duckdb.DuckDBPyConnection, mart: str) -> int:
    return connection.execute(f"select count(*) from marts.{_name(mart)}").fetchall()[0][0]


def _replace(place: Path) -> None:
    with _unfinished(place).open("rb") as written:
        os.fsync(written.fileno())
    os.replace(_unfinished(place), place)
    folder = os.open(place.parent, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)


def _remove_unfinished(settings: Settings) -> None:
    """What a killed run left; DuckDB would not attach half a file."""
    for leftover in (
        *settings.home.glob(f"*{UNFINISHED}*"),
        *settings.published_parquet.glob(f"*/*{UNFINISHED}"),
    ):
        leftover.unlink()


def _remove_parquet_of_other_marts(settings: Settings, marts: list[str]) -> None:
    for folder in settings.published_parquet.iterdir() if settings.published_parquet.exists() else ():
        if folder.is_dir() and folder.name not in marts:
            (folder / f"{folder.name}.parquet").unlink(missing_ok=True)
            if not any(folder.iterdir()):
                folder.rmdir()


def _unfinished(place: Path) -> Path:
    return place.with_name(place.name + UNFINISHED)


def _name(identifier: str) -> str:
    return '"' + identifier.replace('"', '""') + '"'


def _literal(path: Path) -> str:
    return "'" + str(path).replace("'", "''") + "'"
