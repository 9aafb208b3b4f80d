"""Publishing: the marts as one DuckDB file and as Parquet, for whoever reads them.

Belongs here: what readers get, replaced whole. Does not: what is in a mart (dbt) or whether it is right
(checks/); but it asks, and refuses.

Readers never open the working file: while a run writes, nobody else can, and while they read, no run could.
Each published file is written beside its place and renamed into it, so that at any moment it is the old or
the new one, and a reader of the old one keeps its answers. The marts are in a file of their own, so
publishing them is copying that: as fast as the disk, however long the history.
"""

import os
import shutil
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

import duckdb

from orchestration.checks.suites import critical_failures, refusal
from orchestration.errors import GoalpostError
from orchestration.settings import Settings
from orchestration.warehouse import connect, literal

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
        _remove_unfinished(settings)
        rows = {mart: _count(connection, mart) for mart in _marts(connection)}
        written = [_write_parquet(connection, mart, settings.published_parquet) for mart in rows]
        is_mostly_free = _is_mostly_free(connection)
        if is_mostly_free:
            _rewrite(connection, _unfinished(settings.warehouse_marts))
    if is_mostly_free:
        _replace(settings.warehouse_marts)
    # Closed, so whole: its log is in it, and nobody else writes.
    shutil.copyfile(settings.warehouse_marts, _unfinished(settings.published))
    for place in [settings.published, *written]:
        _replace(place)
    _remove_parquet_of_other_marts(settings, set(rows))
    return Published(settings.published, settings.published_parquet, rows)


def _marts(connection: duckdb.DuckDBPyConnection) -> list[str]:
    found = connection.execute(
        "select table_name from information_schema.tables "
        "where table_catalog = 'marts' and table_schema = 'main' order by table_name"
    ).fetchall()
    return [name for (name,) in found]


def _is_mostly_free(connection: duckdb.DuckDBPyConnection) -> bool:
    """A full refresh writes the new tables beside the old ones and leaves the place of those; later runs fill
    only a little of it. What they delete is found and used again: in 30 days the file grew with its rows."""
    connection.execute("checkpoint marts")
    used, free = connection.execute(
        "select used_blocks, free_blocks from pragma_database_size() where database_name = 'marts'"
    ).fetchall()[0]
    return free > max(used, 64)


def _rewrite(connection: duckdb.DuckDBPyConnection, place: Path) -> None:
    connection.execute(f"attach {literal(place)} as rewritten")
    connection.execute("copy from database marts to rewritten")
    connection.execute("checkpoint rewritten")
    connection.execute("detach rewritten")


def _write_parquet(connection: duckdb.DuckDBPyConnection, mart: str, folder: Path) -> Path:
    place = folder / mart / f"{mart}.parquet"
    place.parent.mkdir(parents=True, exist_ok=True)
    connection.execute(f"copy marts.{_name(mart)} to {literal(_unfinished(place))} (format parquet)")
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


def _remove_parquet_of_other_marts(settings: Settings, marts: set[str]) -> None:
    for folder in settings.published_parquet.iterdir() if settings.published_parquet.exists() else ():
        if folder.is_dir() and folder.name not in marts:
            (folder / f"{folder.name}.parquet").unlink(missing_ok=True)
            if not any(folder.iterdir()):
                folder.rmdir()


def _unfinished(place: Path) -> Path:
    return place.with_name(place.name + UNFINISHED)


def _name(identifier: str) -> str:
    return '"' + identifier.replace('"', '""') + '"'
