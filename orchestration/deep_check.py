"""The deep check: everything is built again from what landed, in a scratch file, and compared with the marts
that increments made. Both must be the same, row for row: a difference is a bug, or somebody's change by hand.

Belongs here: the check, and remembering what it found. Does not: telling it (alerts.py), when it runs
(defs/automation.py).

It holds the writer's lock only while it copies; runs may go on while it builds. It counts what the last run
counted: the same files, the same as_of. What it found is in deep_check.json, which names people only by
their keys: it is told to receivers outside.
"""

import json
import shutil
from contextlib import closing
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from typing import Any

import duckdb

from orchestration import changes, dbt_process, runs
from orchestration.contract import RAW_TABLES
from orchestration.errors import GoalpostError
from orchestration.faults import told
from orchestration.locks import PATIENCE_SECONDS, held
from orchestration.mart_changes import differing, mart_columns
from orchestration.months import quoted, time_column
from orchestration.settings import Settings
from orchestration.warehouse import connect, create_file, literal, single_writer

PROFILES = 3  # that an incident names
BUILD = ("build", "--full-refresh", "--exclude-resource-type", "test", "--exclude-resource-type", "unit_test")
WITH_RUN = "start `goalpost run` first, then check again."


@dataclass(frozen=True)
class Difference:
    mart: str
    missing: int  # rows that only the rebuilt mart has
    extra: int  # rows that only the mart of the increments has
    profile_keys: list[int]  # some of them
    first_moment: str | None

    def __str__(self) -> str:
        people = f", of profile_key {', '.join(map(str, self.profile_keys))}" if self.profile_keys else ""
        first = f", the first at {self.first_moment}" if self.first_moment else ""
        return f"{self.mart} ({self.missing:,} rows are missing, {self.extra:,} are wrong{people}{first})"


@dataclass(frozen=True)
class Found:
    """What the last deep check found. `error`: why it could not be made."""

    checked_at: datetime
    differences: list[Difference] = field(default_factory=list)
    error: str | None = None

    @property
    def sentence(self) -> str | None:
        """What is wrong, and what to do; None if nothing is."""
        when = f"{self.checked_at:%Y-%m-%d %H:%M} UTC"
        if self.error:
            return f"The deep check of {when} could not be made: {self.error}"
        if not self.differences:
            return None
        first, others = self.differences[0], [each.mart for each in self.differences[1:]]
        more = f" Also different: {changes.some_of(others)}." if others else ""
        return (
            f"The deep check of {when} found that a mart is not what a rebuild makes of the same files: "
            f"{first}.{more} `goalpost run --full-refresh` puts it right. If nobody changed the marts by "
            f"hand, it is a bug: please report it with this sentence."
        )


def deep_check(settings: Settings, *, patience: float = PATIENCE_SECONDS) -> Found:
    """Check, and remember what was found, also why it could not be made. `patience`: for how many seconds to
    wait for a run that is writing.

    Raises locks.Held if something else still writes or checks, and GoalpostError if the marts are not those
    of a run that succeeded with this code, or the check could not be made."""
    checked_at = datetime.now(UTC).replace(tzinfo=None, microsecond=0)
    connect(settings, read_only=True).close()  # is there a warehouse?
    with held(settings.home / "deep_check.lock", f"A deep check of {settings.home} is running: {{}}."):
        scratch = settings.model_copy(update={"home": settings.home / "deep-check"})
        shutil.rmtree(scratch.home, ignore_errors=True)  # a check was killed
        try:
            with single_writer(settings, patience):
                _refuse_unsound(settings)
                _refuse_without_room(settings)
                _copy(settings, scratch)
            _build(scratch)
            found = Found(checked_at, _compare(scratch))
        except Unsound:
            raise
        except (GoalpostError, duckdb.Error, OSError) as error:
            sentence = told(error, settings) or runs.one_line(str(error))
            _keep(settings, Found(checked_at, error=sentence))
            raise GoalpostError(sentence) from error
        finally:
            shutil.rmtree(scratch.home, ignore_errors=True)
        _keep(settings, found)
        return found


def last_deep_check(settings: Settings) -> Found | None:
    """What the last one found; None if there was none."""
    try:
        kept: dict[str, Any] = json.loads(settings.deep_check_record.read_bytes())
    except (OSError, ValueError):
        return None
    differences = [Difference(**each) for each in kept["differences"]]
    return Found(datetime.fromisoformat(kept["checked_at"]), differences, kept["error"])


class Unsound(GoalpostError):
    """There is nothing to check: the marts are not what a run left."""


def _refuse_unsound(settings: Settings) -> None:
    with closing(connect(settings, read_only=True)) as connection:
        history = runs.read_history(connection)
        if not history or history[0].outcome != "succeeded":
            raise Unsound(f"The last run did not succeed: {WITH_RUN}")
        if unsound := runs.not_of_this_increment(connection):
            raise Unsound(f"Built outside a run: {changes.some_of(unsound)}; {WITH_RUN}")
    if history[0].code_hash != changes.hash_of(changes.hash_each()):
        raise Unsound(f"The code changed since the last run: {WITH_RUN}")


def _refuse_without_room(settings: Settings) -> None:
    """The scratch file gets about what the warehouse has, and the marts twice."""
    needed = settings.warehouse.stat().st_size + 2 * settings.warehouse_marts.stat().st_size
    free = shutil.disk_usage(settings.home).free
    if free < needed:
        raise GoalpostError(
            f"There is no room: a deep check needs about {needed / 1e9:.1f} GB in {settings.home} while it "
            f"runs, and {free / 1e9:.1f} GB are free. Make room, or set GOALPOST_DEEP_CHECK=off."
        )


def _copy(settings: Settings, scratch: Settings) -> None:
    """What the last run had: landed rows, clock, and its marts."""
    with closing(connect(scratch)) as connection:
        for path, name in ((settings.warehouse, "source"), (settings.warehouse_marts, "source_marts")):
            connection.execute(f"attach {literal(path)} as {name} (read_only)")
        place = scratch.home / "incremental.duckdb"
        create_file(place)
        connection.execute(f"attach {literal(place)} as incremental")
        [(watermark,)] = connection.execute("select file_id from source.control.watermark").fetchall()
        for table in ("files", *RAW_TABLES):
            connection.execute(
                f'insert into raw."{table}" by name from source.raw."{table}" where file_id <= {watermark}'
            )
        for table in ("clock", "runs"):
            connection.execute(f"insert into control.{table} by name from source.control.{table}")
        connection.execute(
            f"insert into control.increment values (1, 0, {watermark}, true, null)"  # from scratch
        )
        for mart in mart_columns(connection, "source_marts"):
            connection.execute(f"create table incremental.{quoted(mart)} as from source_marts.{quoted(mart)}")


def _build(scratch: Settings) -> None:
    if fault := dbt_process.fault_of(scratch, *BUILD):
        raise GoalpostError(f"The marts cannot be rebuilt: {fault[-500:]}")


def _compare(scratch: Settings) -> list[Difference]:
    with closing(connect(scratch)) as connection:
        connection.execute(
            f"attach {literal(scratch.home / 'incremental.duckdb')} as incremental (read_only)"
        )
        old, new = mart_columns(connection, "incremental"), mart_columns(connection, "marts")
        found = []
        for mart in sorted(old.keys() | new.keys()):
            columns = new.get(mart) or old[mart]
            names = [name for name, *_ in columns]
            of_people = "profile_key" if "profile_key" in names else "cast(null as bigint)"
            first_day = next((quoted(name) for name, type_, _ in columns if type_ == "DATE"), "null")
            rows = differing(
                f"incremental.{quoted(mart)}",
                f"marts.{quoted(mart)}",
                columns=names,
                keys=None,
                shown={
                    "profile_key": of_people,
                    "moment": f"cast({time_column(mart, columns) or first_day} as varchar)",
                },
            )
            [(missing, extra, keys, first)] = connection.execute(
                f"select sum(greatest(copies, 0)), sum(greatest(-copies, 0)), "
                f"list(distinct profile_key order by profile_key)[:{PROFILES}], min(moment) from ({rows})"
            ).fetchall()
            if missing or extra:
                found.append(Difference(mart, int(missing), int(extra), [key for key in keys if key], first))
        return found


def _keep(settings: Settings, found: Found) -> None:
    place = settings.deep_check_record
    unfinished = place.with_suffix(".unfinished")
    record = asdict(found) | {"checked_at": found.checked_at.isoformat()}
    unfinished.write_text(json.dumps(record, indent=1), encoding="utf-8")
    unfinished.replace(place)
