"""Publishing: the marts as one DuckDB file and as Parquet, for their readers.

Belongs here: what readers get; each file is replaced whole. Does not: what is in a mart (dbt) or whether it
is right (checks/); but publishing reads the results of the checks, and refuses if a critical one failed.

Readers never open the working file: while a run writes, no other process can open it, and while they read, no
run could write. Each published file is written beside its place and renamed into it. So at any moment it is
the old file or the new one, and a reader of the old one keeps reading it. The marts are in a file of their
own, so publishing them means copying that file, as fast as the disk.

Writing Parquet is slower, and in a fact of several years a run changes only the last weeks. So a fact has one
file per month. published.json records the content of each file, as a sum of its rows' hashes; a file is
written only if that differs. A run that recomputes part of a mart hashes only the months that may differ:
those with a row that the run may have written, and those whose number of rows or sum of moments is no longer
as published, because a row is gone or has another moment.
"""

import hashlib
import json
import os
import shutil
from collections import Counter
from collections.abc import Collection, Iterator, Mapping, Set
from contextlib import closing, contextmanager
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import Any

import duckdb

from orchestration import ops, publish_postgres, runs
from orchestration.changes import some_of
from orchestration.checks.suites import critical_failures, refusal
from orchestration.errors import GoalpostError
from orchestration.interruption import if_interrupted
from orchestration.mart_changes import Change, Rows, find_changes
from orchestration.modes import share
from orchestration.months import in_month, quoted, time_column
from orchestration.settings import Settings
from orchestration.warehouse import connect, create_file, literal

UNFINISHED = ".unfinished"


@dataclass(frozen=True)
class Published:
    database: Path
    folder: Path
    rows: dict[str, int]  # by mart
    written: publish_postgres.Written | None = None  # into PostgreSQL
    warning: str | None = None  # why PostgreSQL is behind


@dataclass(frozen=True)
class Part:
    """The part of a mart in one Parquet file. `outline`: a hash of figures that are cheap to count, to notice
    a month that lost a row; `content`: a hash of every value."""

    mart: str
    place: Path
    query: str
    description: str  # of the mart and its columns, as JSON
    rows: int
    outline: str
    content: str


@dataclass(frozen=True)
class Prepared:
    parts: list[Part]
    written: list[Path]  # the places of the Parquet files that changed; each is written beside its place
    changes: list[Change] | None = None  # of each mart; None: not asked, or not known


def prepare(
    settings: Settings,
    moments: Mapping[str, str] | None = None,
    *,
    rebuilt: Collection[str] | None = None,
    rows: Rows | None = None,
) -> Prepared:
    """Do the slow part of publishing, which changes no published file, while the checks run.

    `moments`: for each mart that runs recompute in part, the moment of a row (`recompute_from`). `rebuilt`:
    the marts in which this run may have changed any row; None: all marts. `rows`: count what changed since
    the last publication, by these rules.

    Raises GoalpostError if the warehouse cannot be opened; lets duckdb.Error and OSError pass.
    """
    _remove_unfinished(settings)
    published = _kept(settings)  # a file that was changed outside is written again
    with _leaving_nothing_unfinished(settings), closing(connect(settings, read_only=True)) as connection:
        parts = [
            part
            for mart in _marts(connection)
            for part in _parts(
                connection,
                mart,
                settings.published_parquet,
                (moments or {}).get(mart),
                {} if rebuilt is None or mart in rebuilt else published,
            )
        ]
        written = [
            _write_parquet(connection, part)
            for part in parts
            if part.content != _said(published.get(part.place))[1]
        ]
        changes = _changes(connection, settings, parts, written, rows) if rows else None
    return Prepared(parts, written, changes)


def _changes(
    connection: duckdb.DuckDBPyConnection,
    settings: Settings,
    parts: Collection[Part],
    written: Collection[Path],
    rows: Rows,
) -> list[Change] | None:
    """What changed since the publication that readers see now."""
    record = _record(settings)
    if not record and not settings.published.exists():  # nothing was ever published
        return find_changes(connection, None, rows, None)
    if settings.published not in _kept(settings):  # for example, a run was killed while it published
        return find_changes(connection, settings.published, replace(rows, can_change={}), None)
    gone = {settings.home / name for name in record if name.endswith(".parquet")} - {
        part.place for part in parts
    }
    months: dict[str, set[datetime | None]] = {}
    for place in {*written, *gone}:
        mart = place.parent.name
        month = None if place.stem == mart else datetime.strptime(place.stem, "%Y-%m")
        months.setdefault(mart, set()).add(month)
    return find_changes(connection, settings.published, rows, months)


def marts_are_as_published(settings: Settings) -> bool:
    """Before a run: are the marts of the warehouse as published? If so, only the run makes later changes."""
    return settings.warehouse_marts in _kept(settings)


def publish(settings: Settings, run_id: str, prepared: Prepared | None = None) -> Published:
    """Replace the published files by the marts of this run.

    Raises GoalpostError if a critical check of the run failed, the run has not built every model, or the
    warehouse cannot be opened; lets duckdb.Error and OSError pass.
    """
    prepared = prepared or prepare(settings)
    with _leaving_nothing_unfinished(settings):
        with closing(connect(settings)) as connection:
            # Dagster holds publishing back only for the checks of raw tables and marts (defs/checks.py).
            if failures := critical_failures(connection, run_id):
                raise GoalpostError(refusal(failures))
            if unsound := runs.not_of_this_increment(connection):
                raise GoalpostError(
                    "Nothing was published, the old marts stay. Not built by this run: "
                    f"{some_of(unsound)}. Start `goalpost run` again: it builds them all."
                )
            ops.describe(connection, run_id, prepared.changes, published_by(settings))
            is_mostly_free = _is_mostly_free(connection)
            if is_mostly_free:
                _rewrite(connection, _unfinished(settings.warehouse_marts))
        if is_mostly_free:
            _replace(settings.warehouse_marts)
        # The file is closed, so it is complete: its log is in it, and no other process writes.
        shutil.copyfile(settings.warehouse_marts, _unfinished(settings.published))
        if_interrupted(
            "interrupted while publishing: part of the published files may be new; the next run carries on."
        )
        for place in [settings.published, *prepared.written]:
            _unfinished(place).chmod(settings.published_mode)
            _replace(place)
        parts = {part.place: [part.outline, part.content] for part in prepared.parts}
        _remove_other_parquet(settings.published_parquet, parts.keys())
        share(settings)
        _keep_record(settings, {settings.warehouse_marts: [], settings.published: [], **parts})
    rows: Counter[str] = Counter()
    for part in prepared.parts:
        rows[part.mart] += part.rows
    written, warning = catch_up(settings)
    return Published(settings.published, settings.published_parquet, dict(rows), written, warning)


def published_by(settings: Settings) -> str | None:
    """The run whose publication readers see; None if there is none that can be read."""
    try:
        with duckdb.connect(settings.published, read_only=True) as connection:
            return connection.execute("select run_id from control.publication").fetchall()[0][0]
    except duckdb.Error:
        return None


def catch_up(settings: Settings) -> tuple[publish_postgres.Written | None, str | None]:
    """Write into PostgreSQL what is published and not there: what was written, and why it could not be, in a
    sentence. That is no error: the files are published all the same."""
    contents = published_contents(settings)
    if not settings.postgres_url or not contents:
        return None, None
    try:
        return publish_postgres.write(settings, contents), None
    except GoalpostError as error:
        return None, str(error)


def lost(settings: Settings) -> str | None:
    """Why to publish again although nothing is new: a published file, or the marts that it is copied from,
    were deleted or changed; None if not."""
    if not settings.warehouse_marts.exists():
        return f"{settings.warehouse_marts.name}, the marts of the warehouse, is missing"
    names = [str(place.relative_to(settings.home)) for place in _places(settings) - _kept(settings).keys()]
    if not names:
        return None
    if settings.warehouse_marts.name in names:
        return f"{settings.warehouse_marts.name}, the marts of the warehouse, changed since it was published"
    others = f" and {len(names) - 1} more published files are" if len(names) > 1 else " is"
    return f"{min(names)}{others} missing, or not as published"


def publish_again(settings: Settings) -> Published | None:
    """Publish without a run, if the marts are still those that the last run checked; else return None.

    Raises what `publish` raises.
    """
    if settings.warehouse_marts not in _kept(settings):
        return None
    with closing(connect(settings, read_only=True)) as connection:
        last, *_ = runs.read_history(connection)
        if runs.not_of_this_increment(connection):
            return None
    return publish(settings, last.run_id)


def published_contents(settings: Settings) -> dict[str, str]:
    """The content of each published part, by its name: `fct_touches/2026-03`, or `dim_goals/dim_goals`."""
    return {
        "/".join(Path(place).with_suffix("").parts[-2:]): content
        for place, said in _record(settings).items()
        if (content := _said(said)[1])
    }


def _places(settings: Settings) -> set[Path]:
    """The places of all files of the last publication."""
    return {settings.published, *(settings.home / name for name in _record(settings))}


def _kept(settings: Settings) -> dict[Path, list[Any]]:
    """What the record says of the files that have not changed since: size, time, outline, content."""
    record = {settings.home / name: said for name, said in _record(settings).items()}
    return {place: said for place, said in record.items() if _state(place) == said[:2]}


def _said(published: list[Any] | None) -> tuple[str | None, str | None]:
    """The outline and the content in a record; an older Goalpost recorded neither."""
    return (published[2], published[3]) if published and len(published) == 4 else (None, None)


def _keep_record(settings: Settings, files: Mapping[Path, list[str]]) -> None:
    record = {
        str(place.relative_to(settings.home)): [*(_state(place) or ()), *said]
        for place, said in sorted(files.items())
    }
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
    """Is most of the file free space? A full refresh writes the new tables beside the old ones and leaves the
    old space free; later runs fill only a little of it. (The space of rows that increments delete is reused:
    in 30 days the file grew only with its rows.)"""
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


def _parts(
    connection: duckdb.DuckDBPyConnection,
    mart: str,
    folder: Path,
    moment: str | None,
    published: Mapping[Path, list[Any]],
) -> list[Part]:
    """`published`: what the record says of files, if only rows of affected profiles whose `moment` was or is
    at or after their affected_from can have changed."""
    columns, description = _columns(connection, mart)
    time = time_column(mart, columns)
    month = f"date_trunc('month', {time})" if time else "null"
    source = f"from marts.{quoted(mart)} as kept"
    moments = f"sum(hash({moment})::hugeint)" if moment else "null"
    counted = connection.execute(
        f"select {month} as month, count(*), {moments} {source} group by month order by month"
    ).fetchall() or [(None, 0, None)]
    # Hashes are equal within one version only.
    shape = f"duckdb {duckdb.__version__}, {columns}, {description}"
    places = {
        start: folder / mart / (f"{start:%Y-%m}.parquet" if start else f"{mart}.parquet")
        for start, _, _ in counted
    }
    outlines = {start: _digest(shape, rows, moments) for start, rows, moments in counted}
    contents: dict[datetime | None, str] = {}
    if moment and published:
        written = _months_of_affected_rows(connection, month, source, moment)
        for start, place in places.items():
            outline, content = _said(published.get(place))
            if content and outline == outlines[start] and start not in written:
                contents[start] = content
    if others := [start for start in places if start not in contents]:
        within = f"where {time} >= $1 and list_contains($2, {month})" if time and others[0] else ""
        hashed = connection.execute(
            f"select {month} as month, sum(hash(kept)::hugeint) {source} {within} group by month",
            [others[0], others] if within else [],
        ).fetchall()
        contents |= dict.fromkeys(others, _digest(shape, None))
        contents |= {start: _digest(shape, hashes) for start, hashes in hashed}
    return [
        Part(
            mart=mart,
            place=places[start],
            query=f"from marts.{quoted(mart)}" + (f" where {in_month(time, start)}" if start else ""),
            description=description,
            rows=rows,
            outline=outlines[start],
            content=contents[start],
        )
        for start, rows, _ in counted
    ]


def _columns(connection: duckdb.DuckDBPyConnection, mart: str) -> tuple[list[tuple[str, str, bool]], str]:
    """The name and type of each column, and whether it may be null; the comments of the mart, as JSON."""
    columns = connection.execute(
        "select column_name, data_type, is_nullable, comment from duckdb_columns() "
        "where database_name = 'marts' and schema_name = 'main' and table_name = ? order by column_index",
        [mart],
    ).fetchall()
    tables = connection.execute(
        "select comment from duckdb_tables() "
        "where database_name = 'marts' and schema_name = 'main' and table_name = ?",
        [mart],
    ).fetchall()
    comments = {"description": tables[0][0], "columns": {name: comment for name, _, _, comment in columns}}
    return [(name, type_, is_nullable) for name, type_, is_nullable, _ in columns], json.dumps(comments)


def _months_of_affected_rows(
    connection: duckdb.DuckDBPyConnection, month: str, source: str, moment: str
) -> set[datetime | None]:
    """The months in which the run may have written a row, by the condition with which the macro
    `recompute_sql` deletes."""
    found = connection.execute(
        f"select distinct {month} {source} "
        f"where {moment} >= (select min(affected_from) from intermediate.int_affected_profiles) "
        "and exists (select 1 from intermediate.int_affected_profiles as affected "
        f"where affected.profile_key = kept.profile_key and {moment} >= affected.affected_from)"
    ).fetchall()
    return {start for (start,) in found}


def _digest(*parts: object) -> str:
    return hashlib.sha256(repr(parts).encode()).hexdigest()


def _write_parquet(connection: duckdb.DuckDBPyConnection, part: Part) -> Path:
    part.place.parent.mkdir(parents=True, exist_ok=True)
    connection.execute(
        f"copy ({part.query}) to {literal(_unfinished(part.place))} "
        f"(format parquet, kv_metadata {{goalpost: {literal(part.description)}}})"
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
    """Remove unfinished files after an error: on a full disk they would also stop the next run."""
    try:
        yield
    except Exception:
        _remove_unfinished(settings)
        raise


def _remove_unfinished(settings: Settings) -> None:
    """Remove what a killed run left; DuckDB cannot attach half a file."""
    for leftover in (
        *settings.home.glob(f"*{UNFINISHED}*"),
        *settings.published_parquet.glob(f"*/*{UNFINISHED}"),
    ):
        leftover.unlink()


def _remove_other_parquet(folder: Path, places: Set[Path]) -> None:
    """Remove the files of months and marts that no longer exist."""
    for place in set(folder.glob("*/*.parquet")) - places:
        place.unlink()
        if not any(place.parent.iterdir()):
            place.parent.rmdir()


def _unfinished(place: Path) -> Path:
    return place.with_name(place.name + UNFINISHED)
