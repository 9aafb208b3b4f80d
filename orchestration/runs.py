"""Whether there is work, and its outcome: the history of runs (control.runs), the clock (control.clock), and
what is being computed (control.increment).

Belongs here: why a run starts, its row from start to finish, what it computes. Does not: what changed in the
code (changes.py), doing the work (landing/, dbt, checks/, publish.py) or starting it (cli.py,
defs/automation.py).

Functions that take `settings` or a connection raise GoalpostError if the warehouse cannot be opened
(warehouse.connect) and let duckdb.Error pass. The docstrings name what they raise besides.
"""

import hashlib
import json
from collections.abc import Callable, Collection, Mapping, Sequence
from contextlib import closing, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import duckdb

from orchestration import changes
from orchestration.changes import Built, Rebuild
from orchestration.clock import as_of_of_a_run
from orchestration.clock import read_moment as read_moment
from orchestration.landing import LandedFile, LandingReport, Listing, list_landing, new_files
from orchestration.settings import Settings
from orchestration.warehouse import connect


@dataclass(frozen=True)
class Run:
    run_id: str
    as_of: datetime
    outcome: str
    is_full_refresh: bool
    code_hash: str


@dataclass(frozen=True)
class StartedRun(Run):
    """Also says what the run computes from scratch and why, and the code that it runs."""

    rebuild: Rebuild = field(default_factory=Rebuild)
    files: Mapping[str, str] = field(default_factory=dict)


def pending_work(
    history: Sequence[Run],
    *,
    new_files: int,
    code_hash: str,
    as_of: datetime | None,
    full_refresh: bool,
    is_behind: bool = False,
    is_to_redo: bool = False,
    changed_files: Collection[str] = (),
    built_by_hand: Collection[str] = (),
) -> str | None:
    """The reason why a run has work, in words; None if it would change nothing. `history`: newest first."""
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
    if is_to_redo:
        reasons.append("a part was asked to be computed again")
    if last.code_hash != code_hash:
        reasons.append(f"{changes.some_of(changed_files)} changed" if changed_files else "the models changed")
    if built_by_hand:
        reasons.append(f"built outside a run: {changes.some_of(built_by_hand)}")
    if as_of is not None and as_of != last.as_of:
        reasons.append(f"as_of moved from {last.as_of.isoformat()} to {as_of.isoformat()}")
    if full_refresh:
        reasons.append("a full refresh was asked for")
    return ", ".join(reasons) or None


def full_refresh_reason(
    history: Sequence[Run], code_hash: str, *, everything_by_hand: bool = False
) -> str | None:
    """Why everything must be recomputed, apart from code changes since the last success; None if nothing
    requires it. Without a success there is nothing to add to. Results of other code must be replaced, and so
    must those of an unfinished full refresh."""
    if everything_by_hand:
        return "everything was built outside a run"
    for run in history:
        if run.outcome == "succeeded":
            return None
        if run.code_hash != code_hash:
            return "a run of other code did not finish"
        if run.is_full_refresh:
            return "the last full refresh did not finish"
    return "no run has succeeded yet"


def are_marts_of(history: Sequence[Run], written_by: str | None) -> bool:
    """Do the marts, which are in a file of their own, belong to the warehouse? They do if no run has
    succeeded since the last run that wrote them. They do not if one of the two files was deleted, or restored
    from a copy without the other."""
    for run in history:
        if run.run_id == written_by:
            return True
        if run.outcome == "succeeded":
            return False
    return False


def find_work(
    settings: Settings, *, as_of: datetime | None, full_refresh: bool, wait_seconds: float = 60
) -> str | None:
    """The reason why a run has work, in words; None if it would change nothing.

    Raises GoalpostError also if the landing cannot be listed, or the clock is pinned at another moment.
    """
    as_of = as_of_of_a_run(settings, as_of)
    listing = list_landing(settings)
    history: list[Run] = []
    landed: list[tuple[str, str, str, str]] = []
    is_behind, is_to_redo, by_hand = False, False, []
    if settings.warehouse.exists():
        with closing(connect(settings, read_only=True, wait_seconds=wait_seconds)) as connection:
            history = read_history(connection)
            landed = connection.execute(
                "select path, table_name, fingerprint, content_hash from raw.files"
            ).fetchall()
            if _exists(connection, "control", "watermark"):
                is_behind = connection.execute(
                    "select max(file_id) > (select file_id from control.watermark) from raw.files"
                ).fetchall()[0][0]
            if _exists(connection, "control", "redo"):
                is_to_redo = bool(connection.execute("from control.redo limit 1").fetchall())
            by_hand = built_by_hand(connection)
    files = new_files(listing, {(path, table, fingerprint) for path, table, fingerprint, _ in landed})
    contents = {(path, table, content_hash) for path, table, _, content_hash in landed}
    code = changes.hash_each()
    code_hash = changes.hash_of(code)
    is_changed = bool(history) and history[0].code_hash != code_hash
    before = changes.read_state(settings) if is_changed else None
    return pending_work(
        history,
        new_files=sum(not _is_known(listing, file, contents) for file in files),
        code_hash=code_hash,
        as_of=as_of,
        full_refresh=full_refresh,
        is_behind=is_behind,
        is_to_redo=is_to_redo,
        changed_files=changes.changed_files(before, code) if before else (),
        built_by_hand=by_hand,
    )


def start_run(
    settings: Settings,
    run_id: str,
    *,
    as_of: datetime | None,
    full_refresh: bool,
    manifest: Path | None = None,
) -> StartedRun:
    """Begin a run, as the only writer: any run that is still 'running' has lost its process. `manifest`:
    dbt's, of the current project; without it, any code change requires a full refresh.

    Raises GoalpostError also if the clock is pinned at another moment, or dbt cannot compare the code.
    """
    as_of = as_of_of_a_run(settings, as_of)
    now, files = _now(), changes.hash_each()
    with closing(connect(settings)) as connection:
        history = read_history(connection)
        rebuild = _rebuild(settings, connection, history, files, full_refresh, manifest)
        run = StartedRun(
            run_id=run_id,
            as_of=as_of or now,
            outcome="running",
            is_full_refresh=rebuild.full_refresh is not None,
            code_hash=changes.hash_of(files),
            rebuild=rebuild,
            files=files,
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
                json.dumps({"landing": settings.landing}),  # `goalpost status` reads the same landing
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


def _rebuild(
    settings: Settings,
    connection: duckdb.DuckDBPyConnection,
    history: Sequence[Run],
    files: Mapping[str, str],
    full_refresh: bool,
    manifest: Path | None,
) -> Rebuild:
    if full_refresh:
        return Rebuild(full_refresh="it was asked for")
    if not are_marts_of(history, _written_by(connection)):
        return Rebuild(full_refresh="the two files of the warehouse do not belong together")
    code_hash = changes.hash_of(files)
    if reason := full_refresh_reason(
        history, code_hash, everything_by_hand=_is_everything_by_hand(connection)
    ):
        return Rebuild(full_refresh=reason)
    by_hand = built_by_hand(connection)
    last_success = next(run.code_hash for run in history if run.outcome == "succeeded")
    if last_success == code_hash and not by_hand:
        return Rebuild()
    before = files if last_success == code_hash else changes.read_state(settings)
    if before is None or changes.hash_of(before) != last_success or manifest is None or not manifest.exists():
        return Rebuild(full_refresh="the code changed, and what it was is not known any more")
    rows = connection.execute("select model, code, in_run from control.built_models").fetchall()
    built = {name: Built(code, in_run) for name, code, in_run in rows}
    return changes.find_rebuild(settings, json.loads(manifest.read_bytes()), before, files, built)


# ---- what is being computed --------------------------------------------------------------------------------


def open_increment(
    settings: Settings, run: Run, *, rebuilt: Collection[str] = (), left_out: Collection[str] = ()
) -> None:
    """From now on every build computes this increment: what has landed by now and no run has built, or
    everything (macros/increment.sql). `rebuilt`: names of models to compute from scratch; `left_out`: names
    of models that are not built, because building would not change them."""
    with closing(connect(settings)) as connection:
        connection.begin()
        if _exists(connection, "intermediate", "int_affected_profiles"):
            # After a success, the profiles that it found affected are no work that a run left undone.
            connection.execute(
                "update intermediate.int_affected_profiles set touched_after = null where exists ("
                "from control.increment inner join control.runs using (run_id) where outcome = 'succeeded')"
            )
        connection.execute(
            """
            create or replace temp table opened as
            select
                coalesce((select max(increment_id) from control.increment), 0) + 1 as increment_id,
                watermark.file_id as after_file_id,
                coalesce((select max(file_id) from raw.files), 0) as until_file_id,
                $is_everything or watermark.file_id = 0 as is_everything,
                $run_id as run_id
            from control.watermark
            """,
            {"is_everything": run.is_full_refresh, "run_id": run.run_id},
        )
        connection.execute("delete from control.increment")
        connection.execute("insert into control.increment by name from opened")
        connection.execute(
            "update control.built_models set increment_id = (select increment_id from opened) "
            "where list_contains(?, model)",
            [list(left_out)],
        )
        connection.execute("delete from control.built_models where list_contains(?, model)", [list(rebuilt)])
        connection.commit()


def drop_removed_models(settings: Settings, relations: Mapping[str, str]) -> None:
    """Drop the tables and views of models that were removed or moved: a mart without a model must not be
    published. `relations`: where each model is, by its name."""
    with closing(connect(settings)) as connection:
        built = connection.execute("select model, relation from control.built_models").fetchall()
        for name, relation in built:
            if relations.get(name) == relation:
                continue
            for kind in ("view", "table"):
                with suppress(duckdb.CatalogException):  # the relation is of the other kind
                    connection.execute(f"drop {kind} if exists {relation}")
            if name not in relations:
                connection.execute("delete from control.built_models where model = ?", [name])


def count_rows(settings: Settings, relations: Collection[str]) -> dict[str, int]:
    """The rows of those relations that are tables."""
    with closing(connect(settings, read_only=True)) as connection:
        tables = {
            f'"{database}"."{schema}"."{name}"'
            for database, schema, name in connection.execute(
                "select database_name, schema_name, table_name from duckdb_tables()"
            ).fetchall()
        }
        counts = [f"select '{each}', count(*) from {each}" for each in relations if each in tables]
        return dict(connection.execute(" union all ".join(counts)).fetchall()) if counts else {}


def has_succeeded(settings: Settings) -> bool:
    """Has any run succeeded yet?"""
    with closing(connect(settings, read_only=True)) as connection:
        return any(run.outcome == "succeeded" for run in read_history(connection))


def built_by_hand(connection: duckdb.DuckDBPyConnection) -> list[str]:
    """The models that were built outside a run since the last success."""
    if not _exists(connection, "control", "built_models"):
        return []
    found = connection.execute("select model from control.built_models where not in_run order by model")
    return [name for (name,) in found.fetchall()]


def not_of_this_increment(connection: duckdb.DuckDBPyConnection) -> list[str]:
    """The models that the run which opened the increment has not built, or that were built by hand since."""
    found = connection.execute(
        "select model from control.built_models "
        "where not in_run or increment_id <> (select increment_id from control.increment) order by model"
    )
    return [name for (name,) in found.fetchall()]


def _is_everything_by_hand(connection: duckdb.DuckDBPyConnection) -> bool:
    return connection.execute(
        "select coalesce(bool_or(is_everything and run_id is null), false) from control.increment"
    ).fetchall()[0][0]


# ---- how a run goes on and ends ----------------------------------------------------------------------------


def record_landing(settings: Settings, run_id: str, report: LandingReport) -> None:
    """Record what a run landed: the number of files, the last file, the rows by table."""
    with closing(connect(settings)) as connection:
        figures = _figures(connection, run_id) | {"landed_now": report.rows_by_table}
        connection.execute(
            "update control.runs set files_loaded = ?, last_file_id = (select max(file_id) from raw.files), "
            "figures = ? where run_id = ?",
            [len({file.path for file in report.loaded}), json.dumps(figures), run_id],
        )


def record_build(settings: Settings, run_id: str) -> None:
    """Record that every model was built: when the run succeeds, the watermark moves to the last file of the
    increment."""
    with closing(connect(settings)) as connection:
        connection.execute(
            "update control.runs set built_file_id = (select until_file_id from control.increment) "
            "where run_id = ?",
            [run_id],
        )


def record_steps(
    settings: Settings,
    run_id: str,
    steps_of: Callable[[str], Sequence[tuple[str, datetime, datetime | None, str]]],
) -> None:
    """Record the steps of a run as they are now, and those of runs whose process was killed. `steps_of`:
    name, start, end and outcome of the steps of a run, as Dagster knows them."""
    with closing(connect(settings)) as connection:
        killed = connection.execute(
            "select run_id from control.runs where outcome = 'interrupted' "
            "and run_id not in (select run_id from control.run_steps where outcome <> 'running') "
            "order by started_at desc limit 10"
        ).fetchall()
        connection.begin()
        for each in (run_id, *(name for (name,) in killed)):
            connection.execute("delete from control.run_steps where run_id = ?", [each])
            for step, started_at, finished_at, outcome in steps_of(each):
                is_over = outcome == "running" and each != run_id
                connection.execute(
                    "insert into control.run_steps values (?, ?, ?, ?, ?)",
                    [each, step, started_at, finished_at, "interrupted" if is_over else outcome],
                )
        connection.commit()


def finish_run(settings: Settings, run_id: str, outcome: str, message: str | None = None) -> None:
    """Record the outcome of a run, if it has none yet: a later call changes neither outcome nor message.
    Success also moves the watermark, in the same transaction."""
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
    """Record that the files up to this one are in the marts, by the definitions as they are now. The caller
    commits."""
    connection.execute("update control.watermark set file_id = greatest(file_id, ?)", [built_file_id])
    connection.execute("delete from control.redo")
    for name in ("definitions", "fact_months"):
        connection.execute(f"delete from control.built_{name}")
        connection.execute(f"insert into control.built_{name} by name from intermediate.int_{name}")
    connection.execute(
        "update control.built_models set in_run = true, "
        "increment_id = (select increment_id from control.increment)"
    )


def account(connection: duckdb.DuckDBPyConnection, run_id: str) -> dict[str, Any]:
    """What a run did, in numbers: the rows that it landed, the rows of all runs (staged, superseded,
    quarantined), and its own checks."""
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
    """The moment until which the reports count."""
    with closing(connect(settings, read_only=True)) as connection:
        return connection.execute("select as_of from control.clock").fetchall()[0][0]


def message(settings: Settings, run_id: str) -> str | None:
    """The sentence that says why a run ended as it did; None if there is none."""
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


def _is_known(listing: Listing, file: LandedFile, contents: set[tuple[str, str, str]]) -> bool:
    """A file that was only copied again has a new fingerprint, but its path and content are known."""
    if not any(path == file.path for path, *_ in contents):
        return False
    try:
        with listing.file_system.open(file.location, "rb") as content:
            digest = hashlib.file_digest(content, "sha256")  # pyright: ignore[reportArgumentType]
    except (FileNotFoundError, PermissionError):
        return True  # the file cannot be read now: no reason to start a run
    return all((file.path, table, digest.hexdigest()) in contents for table in file.tables)


def _written_by(connection: duckdb.DuckDBPyConnection) -> str | None:
    found = connection.execute("select run_id from marts.control.written_by").fetchone()
    return found[0] if found else None


def _now() -> datetime:
    return datetime.now(UTC).replace(tzinfo=None)


def _figures(connection: duckdb.DuckDBPyConnection, run_id: str) -> dict[str, Any]:
    found = connection.execute("select figures from control.runs where run_id = ?", [run_id]).fetchone()
    return json.loads(found[0]) if found and found[0] else {}


def _exists(connection: duckdb.DuckDBPyConnection, schema: str, table: str) -> bool:
    """The query has no parameter: for the first parameter in a process DuckDB imports pandas, and finding
    that there is no work must be quick."""
    found = connection.execute(
        f"select 1 from information_schema.tables where table_schema = '{schema}' and table_name = '{table}'"
    )
    return found.fetchone() is not None


def _one_row(connection: duckdb.DuckDBPyConnection, query: str, parameters: Sequence[Any] = ()) -> dict:
    found = connection.execute(query, parameters)
    names = [column[0] for column in found.description]
    return dict(zip(names, found.fetchone() or (), strict=True))
