"""Publishing: the marts as one DuckDB file and as Parquet, for whoever reads them.

Belongs here: what readers get, replaced whole. Does not: what is in a mart (dbt) or whether it is right
(checks/); but it asks, and refuses.

Readers never open the working file: while a run writes, nobody else can, and while they read, no run could.
Each published file is written beside its place and renamed into it, so that at any moment it is the old or
the new one, and a reader of the old one keeps its answers. The marts are in a file of their own, so
publishing them is copying that, as fast as the disk.

Writing Parquet is slower, and of a fact that reaches back years a run changes the last weeks. So a fact has a
file for each month, and each file says what is in it: the sum of its rows' hashes. It is written only if that
has become another. Hashing takes a sixth of the time, and needs to know nothing of what a run changed.
"""

import hashlib
import json
import os
import shutil
from collections import Counter
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import duckdb

from orchestration import runs
from orchestration.changes import some_of
from orchestration.checks.suites import critical_failures, refusal
from orchestration.errors import GoalpostError
from orchestration.interruption import if_interrupted
from orchestration.modes import share
from orchestration.settings import Settings
from orchestration.warehouse import connect, create_file, literal

UNFINISHED = ".unfinished"
CONTENT = "goalpost_content"  # the key under which a Parquet file says what is in it


@dataclass(frozen=True)
class Published:
    database: Path
    folder: Path
    rows: dict[str, int]  # by mart


@dataclass(frozen=True)
class Part:
    """Of a mart, what one Parquet file holds."""

    mart: str
    place: Path
    query: str
    rows: int
    content: str


@dataclass(frozen=True)
class Prepared:
    parts: list[Part]
    written: list[Path]  # the Parquet files that are another, beside their places


def prepare(settings: Settings) -> Prepared:
    """What takes long and changes nothing that is published: while it is checked whether it may be."""
    _remove_unfinished(settings)
    folder, kept = settings.published_parquet, _kept(settings)
    with _leaving_nothing_unfinished(settings), closing(connect(settings, read_only=True)) as connection:
        parts = [part for mart in _marts(connection) for part in _parts(connection, mart, folder)]
        # One that somebody else changed is written again, whatever it says.
        there = {place: said for place, said in _contents(connection, folder).items() if place in kept}
        written = [
            _write_parquet(connection, part) for part in parts if there.get(part.place) != part.content
        ]
    return Prepared(parts, written)


def publish(settings: Settings, run_id: str, prepared: Prepared | None = None) -> Published:
    prepared = prepared or prepare(settings)
    with _leaving_nothing_unfinished(settings):
        with closing(connect(settings)) as connection:
            # Dagster holds publishing back only for the checks of raw tables and marts (defs/checks.py).
            if failures := critical_failures(connection, run_id):
                raise GoalpostError(refusal(failures))
            if unsound := runs.not_of_this_increment(connection):
                raise GoalpostError(
                    "Nothing was published, the old marts stay. Not built by this run: "
                    f"{some_of(unsound)}. Start `goalpost run` again: it builds all of it."
                )
            _describe(connection, run_id)
            is_mostly_free = _is_mostly_free(connection)
            if is_mostly_free:
                _rewrite(connection, _unfinished(settings.warehouse_marts))
        if is_mostly_free:
            _replace(settings.warehouse_marts)
        # Closed, so whole: its log is in it, and nobody else writes.
        shutil.copyfile(settings.warehouse_marts, _unfinished(settings.published))
        if_interrupted(
            "interrupted while publishing: part of the published files may be new; the next run carries on."
        )
        for place in [settings.published, *prepared.written]:
            _unfinished(place).chmod(settings.published_mode)
            _replace(place)
        places = {part.place for part in prepared.parts}
        _remove_other_parquet(settings.published_parquet, places)
        share(settings)
        _keep_record(settings, {settings.warehouse_marts, settings.published, *places})
    rows: Counter[str] = Counter()
    for part in prepared.parts:
        rows[part.mart] += part.rows
    return Published(settings.published, settings.published_parquet, dict(rows))


def _describe(connection: duckdb.DuckDBPyConnection, run_id: str) -> None:
    """What a reader of the published file has to know besides the marts, in its schema `control`: until when
    they count, and each workspace's calendar and currency."""
    connection.execute(
        "create or replace table marts.control.publication as "
        "select cast(? as varchar) as run_id, (select as_of from control.clock) as as_of, "
        "now()::timestamp as published_at",
        [run_id],
    )
    views = "select 1 from information_schema.tables where table_name = 'int_workspaces'"
    if connection.execute(views).fetchall():
        connection.execute(
            "create or replace table marts.control.workspaces as "
            "select workspace_id, time_zone, currency from intermediate.int_workspaces"
        )


def lost(settings: Settings) -> str | None:
    """Why to publish again although nothing is new: somebody deleted or changed what was published, or the
    marts that it is a copy of."""
    if not settings.warehouse_marts.exists():
        return f"{settings.warehouse_marts.name}, the marts of the warehouse, is missing"
    names = [str(place.relative_to(settings.home)) for place in _places(settings) - _kept(settings)]
    if not names:
        return None
    if settings.warehouse_marts.name in names:
        return f"{settings.warehouse_marts.name}, the marts of the warehouse, changed since it was published"
    others = f" and {len(names) - 1} more published files are" if len(names) > 1 else " is"
    return f"{min(names)}{others} missing, or not as published"


def publish_again(settings: Settings) -> bool:
    """Without a run: the last one, which succeeded, checked what is there still. False if it is not."""
    if settings.warehouse_marts not in _kept(settings):
        return False
    with closing(connect(settings, read_only=True)) as connection:
        last, *_ = runs.read_history(connection)
        if runs.not_of_this_increment(connection):
            return False
    publish(settings, last.run_id)
    return True


def _places(settings: Settings) -> set[Path]:
    """Where the last publication put a file."""
    return {settings.published, *(settings.home / name for name in _record(settings))}


def _kept(settings: Settings) -> set[Path]:
    """Those that nobody has touched since."""
    record = _record(settings)
    places = {settings.home / name: state for name, state in record.items()}
    return {place for place, state in places.items() if _state(place) == state}


def _keep_record(settings: Settings, places: set[Path]) -> None:
    record = {str(place.relative_to(settings.home)): _state(place) for place in sorted(places)}
    _unfinished(settings.publication).write_text(json.dumps(record, indent=0), encoding="utf-8")
    _replace(settings.publication)


def _record(settings: Settings) -> dict[str, Any]:
    try:
        record = json.loads(settings.publication.read_bytes())
    except (OSError, ValueError):
        return {}
    return record if isinstance(record, dict) else {}


def _state(place: Path) -> list[int] | None:
    try:
        status = place.stat()
    except OSError:
        return None
    return [status.st_size, status.st_mtime_ns]


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
    create_file(place)
    connection.execute(f"attach {literal(place)} as rewritten")
    connection.execute("copy from database marts to rewritten")
    connection.execute("checkpoint rewritten")
    connection.execute("detach rewritten")


def _parts(connection: duckdb.DuckDBPyConnection, mart: str, folder: Path) -> list[Part]:
    described = connection.execute(f"describe marts.{_name(mart)}").fetchall()
    columns = [(name, type_, is_nullable == "YES") for name, type_, is_nullable, *_ in described]
    time = _time(columns) if mart.startswith("fct_") else None
    month = f"date_trunc('month', {time})" if time else "null"
    found = connection.execute(
        f"select {month} as month, count(*), sum(hash(rows)::hugeint) from marts.{_name(mart)} as rows "
        "group by month order by month"
    ).fetchall()
    shape = f"duckdb {duckdb.__version__}, {columns}"  # hashes are equal within one version only
    return [
        Part(
            mart=mart,
            place=folder / mart / (f"{start:%Y-%m}.parquet" if start else f"{mart}.parquet"),
            query=f"from marts.{_name(mart)}" + (f" where {_within(time, start)}" if start else ""),
            rows=rows,
            content=hashlib.sha256(f"{shape}, {rows} rows, {hashes}".encode()).hexdigest(),
        )
        for start, rows, hashes in found or [(None, 0, 0)]
    ]


def _time(columns: list[tuple[str, str, bool]]) -> str | None:
    """The first moment that every row has: when it happened."""
    moments = [
        name
        for name, type_, is_nullable in columns
        if type_ == "TIMESTAMP" and name.endswith("_at") and not is_nullable
    ]
    return _name(moments[0]) if moments else None


def _within(time: str | None, month: datetime) -> str:
    """In a form that lets what lies in other months be skipped."""
    return f"{time} >= timestamp '{month}' and {time} < timestamp '{month}' + interval '1' month"


def _contents(connection: duckdb.DuckDBPyConnection, folder: Path) -> dict[Path, str]:
    """What each file says is in it. One that cannot be read says nothing."""
    files = [str(place) for place in folder.glob("*/*.parquet")]
    try:
        return _read_contents(connection, files)
    except duckdb.Error:  # each by itself takes fifty times as long
        contents = {}
        for file in files:
            with suppress(duckdb.Error):
                contents |= _read_contents(connection, [file])
        return contents


def _read_contents(connection: duckdb.DuckDBPyConnection, files: list[str]) -> dict[Path, str]:
    found = connection.execute(
        "select file_name, decode(value) from parquet_kv_metadata(?) where decode(key) = ?", [files, CONTENT]
    ).fetchall()
    return {Path(file): content for file, content in found}


def _write_parquet(connection: duckdb.DuckDBPyConnection, part: Part) -> Path:
    part.place.parent.mkdir(parents=True, exist_ok=True)
    connection.execute(
        f"copy ({part.query}) to {literal(_unfinished(part.place))} "
        f"(format parquet, kv_metadata {{{CONTENT}: '{part.content}'}})"
    )
    return part.place


def _replace(place: Path) -> None:
    with _unfinished(place).open("rb") as written:
        os.fsync(written.fileno())
    os.replace(_unfinished(place), place)
    folder = os.open(place.parent, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)


@contextmanager
def _leaving_nothing_unfinished(settings: Settings) -> Iterator[None]:
    """On a full disk it would keep the next run from finishing, too."""
    try:
        yield
    except Exception:
        _remove_unfinished(settings)
        raise


def _remove_unfinished(settings: Settings) -> None:
    """What a killed run left; DuckDB would not attach half a file."""
    for leftover in (
        *settings.home.glob(f"*{UNFINISHED}*"),
        *settings.published_parquet.glob(f"*/*{UNFINISHED}"),
    ):
        leftover.unlink()


def _remove_other_parquet(folder: Path, places: set[Path]) -> None:
    """Of months and marts that are no more."""
    for place in set(folder.glob("*/*.parquet")) - places:
        place.unlink()
        if not any(place.parent.iterdir()):
            place.parent.rmdir()


def _unfinished(place: Path) -> Path:
    return place.with_name(place.name + UNFINISHED)


def _name(identifier: str) -> str:
    return '"' + identifier.replace('"', '""') + '"'
