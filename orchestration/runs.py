"""Is there work, and what became of it: the history of runs (control.runs) and the clock (control.clock).

Belongs here: why a run starts, its row from start to finish, the hash of the code that it ran. Does not:
doing the work (landing/, dbt, checks/, publish.py) or starting it (cli.py, defs/automation.py).
"""

import hashlib
import json
from collections.abc import Sequence
from contextlib import closing
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import duckdb

from orchestration.clock import as_of_of_a_run
from orchestration.clock import read_moment as read_moment
from orchestration.landing import LandedFile, LandingReport, Listing, list_landing, new_files
from orchestration.settings import DBT_PROJECT, EXPECTATIONS, PROJECT_ROOT, Settings
from orchestration.warehouse import connect

# What decides the marts besides the rows that landed and the clock.
MODELS = (DBT_PROJECT, PROJECT_ROOT / "seeds" / "rules", PROJECT_ROOT / "orchestration" / "goals")
CODE = (*MODELS, EXPECTATIONS, PROJECT_ROOT / "orchestration" / "landing", PROJECT_ROOT / "requirements.lock")
NOT_CODE = {"target", "logs", "__pycache__", ".user.yml"}


@dataclass(frozen=True)
class Run:
    run_id: str
    as_of: datetime
    outcome: str
    is_full_refresh: bool
    code_hash: str


def pending_work(
    history: Sequence[Run],
    *,
    new_files: int,
    code_hash: str,
    as_of: datetime | None,
    full_refresh: bool,
    is_behind: bool = False,
) -> str | None:
    """Why a run has something to do, in words; None if it would change nothing. `history`: newest first."""
    if not history:
        return "this is the first run"
    last = history[0]
    reasons = []
    if new_files:
        reasons.append("1 new file" if new_files == 1 else f"{new_files} new files")
    if last.outcome != "succeeded":
        reasons.append("the last run did not finish")
    elif is_behind:
        reasons.append("not all that landed was built")
    if last.code_hash != code_hash:
        reasons.append("the models changed")
    if as_of is not None and as_of != last.as_of:
        reasons.append(f"as_of moved from {last.as_of.isoformat()} to {as_of.isoformat()}")
    if full_refresh:
        reasons.append("a full refresh was asked for")
    return ", ".join(reasons) or None


def needs_full_refresh(history: Sequence[Run], code_hash: str) -> bool:
    """Until a run has succeeded there is nothing to add to; what other code computed must go, and so
    must what an unfinished full refresh left half done."""
    for run in history:
        if run.code_hash != code_hash:
            return True
        if run.outcome == "succeeded":
            return False
        if run.is_full_refresh:
            return True
    return True


def are_marts_of(history: Sequence[Run], written_by: str | None) -> bool:
    """The marts are in a file of their own: they belong to the rest if no run has succeeded since the last
    that wrote them. Not so if one of the two files was deleted or put back from a copy without the other."""
    for run in history:
        if run.run_id == written_by:
            return True
        if run.outcome == "succeeded":
            return False
    return False


def find_work(
    settings: Settings, *, as_of: datetime | None, full_refresh: bool, wait_seconds: float = 60
) -> str | None:
    as_of = as_of_of_a_run(settings, as_of)
    listing = list_landing(settings)
    history: list[Run] = []
    landed: list[tuple[str, str, str]] = []
    is_behind = False
    if settings.warehouse.exists():
        with closing(connect(settings, read_only=True, wait_seconds=wait_seconds)) as connection:
            history = read_history(connection)
            landed = connection.execute("select path, fingerprint, content_hash from raw.files").fetchall()
            if _exists(connection, "control", "watermark"):
                is_behind = connection.execute(
                    "select max(file_id) > (select file_id from control.watermark) from raw.files"
                ).fetchall()[0][0]
    files = new_files(listing, {(path, fingerprint) for path, fingerprint, _ in landed})
    contents = {(path, content_hash) for path, _, content_hash in landed}
    return pending_work(
        history,
        new_files=sum(not _is_known(listing, file, contents) for file in files),
        code_hash=hash_files(*CODE),
        as_of=as_of,
        full_refresh=full_refresh,
        is_behind=is_behind,
    )


def start_run(settings: Settings, run_id: str, *, as_of: datetime | None, full_refresh: bool) -> Run:
    """Begin a run, as its only writer: whatever is still 'running' lost its process."""
    as_of = as_of_of_a_run(settings, as_of)
    now, code_hash = _now(), hash_files(*CODE)
    with closing(connect(settings)) as connection:
        history = read_history(connection)
        full_refresh |= not are_marts_of(history, _written_by(connection))
        run = Run(
            run_id=run_id,
            as_of=as_of or now,
            outcome="running",
            is_full_refresh=full_refresh or needs_full_refresh(history, code_hash),
            code_hash=code_hash,
        )
        connection.begin()
        connection.execute(
            "update control.runs set outcome = 'interrupted', message = 'Its process ended before it did.' "
            "where outcome = 'running'"
        )
        connection.execute(
            "insert into control.runs "
            "(run_id, started_at, as_of, outcome, is_full_refresh, code_hash, figures) "
            "values (?, ?, ?, ?, ?, ?, ?)",
            [
                *(run.run_id, now, run.as_of, run.outcome, run.is_full_refresh, run.code_hash),
                json.dumps({"landing": settings.landing}),  # `goalpost status` looks there, too
            ],
        )
        connection.execute("delete from control.clock")
        connection.execute("insert into control.clock values (?)", [run.as_of])
        connection.commit()
        # A transaction writes one file. A run that is killed between the two has changed no mart.
        connection.begin()
        connection.execute("delete from marts.control.written_by")
        connection.execute("insert into marts.control.written_by values (?)", [run.run_id])
        connection.commit()
    return run


def record_landing(settings: Settings, run_id: str, report: LandingReport) -> None:
    with closing(connect(settings)) as connection:
        figures = _figures(connection, run_id) | {"landed_now": report.rows_by_table}
        connection.execute(
            "update control.runs set files_loaded = ?, last_file_id = (select max(file_id) from raw.files), "
            "figures = ? where run_id = ?",
            [len(report.loaded), json.dumps(figures), run_id],
        )


def record_build(settings: Settings, run_id: str) -> None:
    """Every model was built: success moves the watermark to all that has landed by now."""
    with closing(connect(settings)) as connection:
        connection.execute(
            "update control.runs set built_file_id = (select coalesce(max(file_id), 0) from raw.files) "
            "where run_id = ?",
            [run_id],
        )


def finish_run(settings: Settings, run_id: str, outcome: str, message: str | None = None) -> None:
    """The first outcome stands: a run that succeeded cannot fail afterwards, nor lose its first reason.
    With success, and in the same transaction, the watermark moves."""
    with closing(connect(settings)) as connection:
        figures = json.dumps(account(connection, run_id))
        connection.begin()
        finished = connection.execute(
            "update control.runs set outcome = ?, message = ?, finished_at = ?, figures = ? "
            "where run_id = ? and outcome = 'running' returning outcome, built_file_id",
            [outcome, message, _now(), figures, run_id],
        ).fetchall()
        if finished and finished[0][0] == "succeeded" and finished[0][1] is not None:
            move_watermark(connection, finished[0][1])
        connection.commit()


def move_watermark(connection: duckdb.DuckDBPyConnection, built_file_id: int) -> None:
    """The files up to this one are in the marts, by the definitions as they are now. The caller commits."""
    connection.execute("update control.watermark set file_id = greatest(file_id, ?)", [built_file_id])
    connection.execute("delete from control.built_definitions")
    connection.execute("insert into control.built_definitions by name from intermediate.int_definitions")


def account(connection: duckdb.DuckDBPyConnection, run_id: str) -> dict[str, Any]:
    """What a run did, in numbers: what it landed, the rows of all runs by their fate, its own checks."""
    figures = _figures(connection, run_id)
    if _exists(connection, "staging", "row_accounting"):
        figures["rows"] = _one_row(
            connection,
            "select sum(landed)::bigint as landed, sum(staged)::bigint as staged, "
            "sum(superseded)::bigint as superseded, sum(quarantined)::bigint as quarantined "
            "from staging.row_accounting",
        )
    figures["checks"] = _one_row(
        connection,
        "select count(*) filter (success) as passed, "
        "count(*) filter (not success and severity = 'warning') as warned, "
        "count(*) filter (not success and severity = 'critical') as failed "
        "from control.check_results where run_id = ?",
        [run_id],
    )
    return figures


def clock(settings: Settings) -> datetime:
    """Until when the reports count."""
    with closing(connect(settings, read_only=True)) as connection:
        return connection.execute("select as_of from control.clock").fetchall()[0][0]


def message(settings: Settings, run_id: str) -> str | None:
    with closing(connect(settings, read_only=True)) as connection:
        found = connection.execute("select message from control.runs where run_id = ?", [run_id]).fetchone()
    return found[0] if found else None


def read_history(connection: duckdb.DuckDBPyConnection) -> list[Run]:
    """The newest run first."""
    rows = connection.execute(
        "select run_id, as_of, outcome, is_full_refresh, coalesce(code_hash, '') from control.runs "
        "order by started_at desc, run_id desc"
    ).fetchall()
    return [Run(*row) for row in rows]


def one_line(text: str) -> str:
    return " ".join(text.split())


def hash_files(*paths: Path) -> str:
    digest = hashlib.sha256()
    for path in paths:
        files = sorted(path.rglob("*")) if path.is_dir() else [path]
        for file in files:
            if file.is_file() and not NOT_CODE.intersection(file.relative_to(PROJECT_ROOT).parts):
                digest.update(f"{file.relative_to(PROJECT_ROOT)}\x1f".encode())
                digest.update(hashlib.sha256(file.read_bytes()).digest())
    return digest.hexdigest()


def _is_known(listing: Listing, file: LandedFile, contents: set[tuple[str, str]]) -> bool:
    """A file that was only copied again has another fingerprint, but its path and content are known."""
    if not any(path == file.path for path, _ in contents):
        return False
    with listing.file_system.open(file.location, "rb") as content:
        digest = hashlib.file_digest(content, "sha256")  # pyright: ignore[reportArgumentType]
    return (file.path, digest.hexdigest()) in contents


def _written_by(connection: duckdb.DuckDBPyConnection) -> str | None:
    found = connection.execute("select run_id from marts.control.written_by").fetchone()
    return found[0] if found else None


def _now() -> datetime:
    return datetime.now(UTC).replace(tzinfo=None)


def _figures(connection: duckdb.DuckDBPyConnection, run_id: str) -> dict[str, Any]:
    found = connection.execute("select figures from control.runs where run_id = ?", [run_id]).fetchone()
    return json.loads(found[0]) if found and found[0] else {}


def _exists(connection: duckdb.DuckDBPyConnection, schema: str, table: str) -> bool:
    found = connection.execute(
        "select 1 from information_schema.tables where table_schema = ? and table_name = ?", [schema, table]
    )
    return found.fetchone() is not None


def _one_row(connection: duckdb.DuckDBPyConnection, query: str, parameters: Sequence[Any] = ()) -> dict:
    found = connection.execute(query, parameters)
    names = [column[0] for column in found.description]
    return dict(zip(names, found.fetchone() or (), strict=True))
