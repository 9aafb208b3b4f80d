"""Lands what is new in the YAML files, as rows of goals, segments, funnels and experiments.

Belongs here: comparing with what was applied before and with what the run would refuse, and writing the
files. Does not: what is valid (yaml_files.py), what has landed (landed.py), loading it (landing/).

The record of what was applied is the files in `<landing>/<table>/applied/`. It exists before any run, it
stays if the working database is deleted, and it contains only what landed. The name of each file has the
moment of applying and the set of its rows: the moment at which these goals, or others of the same files, were
first applied. So a team may keep goals in several repositories, and each is told only about its own.
"""

import json
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from operator import itemgetter
from pathlib import Path
from typing import Any, NamedTuple

from fsspec.core import url_to_fs

from orchestration.errors import GoalpostError
from orchestration.goals.landed import GoalState, Landed, read_landed
from orchestration.goals.limits import Place
from orchestration.goals.reading import CORE, Reading, compact, parse_json, read_definition
from orchestration.goals.shape import dotted, judge
from orchestration.goals.yaml_files import Finding, GoalFile, Known, read_files
from orchestration.settings import Settings

# In the order of landing: segments first, because a goal pins the segments in force when it begins.
ID_COLUMNS = {
    "segments": "segment_id",
    "goals": "goal_id",
    "funnels": "funnel_id",
    "experiments": "experiment_id",
}

Row = dict[str, Any]


class Key(NamedTuple):
    table: str
    workspace_id: str
    id: str


@dataclass(frozen=True)
class Record:
    """What was applied, oldest first, and the set of each."""

    rows: dict[Key, list[Row]]
    sets: dict[Key, str]


@dataclass(frozen=True)
class ApplyReport:
    """With errors, nothing was landed. `left_out`: applied earlier in the same set, now in none of the files,
    and still counting. `note`: what could not be checked."""

    errors: tuple[Finding, ...]
    warnings: tuple[Finding, ...]
    added: tuple[Key, ...] = ()
    changed: tuple[Key, ...] = ()
    unchanged: tuple[Key, ...] = ()
    left_out: tuple[Key, ...] = ()
    landed_files: tuple[str, ...] = ()
    note: str | None = None


def apply(paths: list[Path], settings: Settings, now: datetime) -> ApplyReport:
    """Land everything that changed in the files; with an error, nothing. `now` is the rows' updated_at.

    Raises GoalpostError if a path has no file, the record in the landing is broken, the landing cannot be
    written, or the clock went back.
    """
    landed = read_landed(settings)
    record = _record(settings.landing)
    given = read_files(paths, _known(landed, record))
    if given.errors:
        return ApplyReport(given.errors, given.warnings, note=landed.note)
    errors = tuple(
        finding for file in given.files for finding in _what_cannot_change(file, landed, record, now)
    )
    if errors:
        return ApplyReport(errors, given.warnings, note=landed.note)

    rows = {key: row for file in given.files for key, row in _rows(file)}
    new = {
        key: row
        for key, row in rows.items()
        if key not in record.rows or _meaning(record.rows[key][-1]) != _meaning(row)
    }
    own_set = _set_of(rows, record)
    return ApplyReport(
        errors=(),
        warnings=(
            *given.warnings,
            *(each for file in given.files for each in _what_is_unheard_of(file, landed)),
        ),
        added=tuple(key for key in new if key not in record.rows),
        changed=tuple(key for key in new if key in record.rows),
        unchanged=tuple(key for key in rows if key not in new),
        left_out=tuple(
            key
            for key, versions in record.rows.items()
            if key not in rows and record.sets[key] == own_set and _counts(versions[-1])
        ),
        landed_files=tuple(_land(settings.landing, new, _updated_at(now, new, record), own_set)),
        note=landed.note,
    )


def _known(landed: Landed, record: Record) -> Known:
    """What exists besides the files: landed or applied. It is complete if what landed could be read."""
    segments = {workspace: dict(filters) for workspace, filters in landed.segments.items()}
    goals: dict[str, set[str]] = {}
    for workspace, goal in landed.goals:
        goals.setdefault(workspace, set()).add(goal)
    for key, versions in record.rows.items():
        if key.table == "segments":
            segments.setdefault(key.workspace_id, {})[key.id] = judge(versions[-1], "segment").completed[
                "filter"
            ]
        elif key.table == "goals":
            goals.setdefault(key.workspace_id, set()).add(key.id)
    return Known(segments, goals, is_all=bool(landed.goals or landed.sources) and landed.note is None)


def _rows(file: GoalFile) -> Iterator[tuple[Key, Row]]:
    """The rows that a file describes, without their updated_at."""
    for table, id_column in ID_COLUMNS.items():
        for id_ in file.ids(table):
            completed = file.judgement.completed[table][id_]
            if table == "goals":
                columns = {"definition": file.written[table][id_]}
            elif table == "segments":
                columns = {"name": completed.get("name"), "filter": completed["filter"]}
            elif table == "experiments":
                columns = {
                    "name": completed.get("name"),
                    "source_id": completed.get("source"),
                    "goal_ids": completed.get("goals"),
                    "expected_control_share": completed.get("expected_control_share"),
                    "covariate": completed.get("covariate"),
                    "alpha": completed.get("alpha"),
                }
            else:
                columns = {
                    "name": completed.get("name"),
                    "goal_ids": completed["goals"],
                    "window_days": completed.get("window_days"),
                }
            yield Key(table, file.workspace, id_), {"workspace_id": file.workspace, id_column: id_, **columns}


def _meaning(row: Row) -> str:
    """A text that is equal for rows with the same meaning, however they are written."""
    said = {column: value for column, value in row.items() if column != "updated_at"}
    if "definition" in row:
        said["definition"] = judge(row["definition"], "definition").completed
    return compact(said)


def _counts(row: Row) -> bool:
    return row.get("definition", {}).get("status") not in ("archived", "deleted")


# --- what the run would refuse


def _what_cannot_change(file: GoalFile, landed: Landed, record: Record, now: datetime) -> Iterator[Finding]:
    """A goal keeps the policy and currency of its first row, and a locked goal its core; the run refuses the
    whole of a row that changes them. This compares with int_goal_rows; before any run, with the first row
    applied.
    """
    for id_ in file.ids("goals"):
        state = landed.goals.get((file.workspace, id_)) or _first_applied(
            record.rows.get(Key("goals", file.workspace, id_), []), landed.currencies, file.workspace
        )
        if state is None:
            continue
        goal, place = file.judgement.completed["goals"][id_], ("goals", id_)
        given = read_definition(compact(file.written["goals"][id_]))
        for path, now_is, began_with in (
            (("definition_policy",), goal["definition_policy"], state.policy),
            (("impact", "currency"), _currency(goal, landed.currencies, file.workspace), state.currency),
        ):
            if now_is and began_with and now_is != began_with:
                where = dotted((*place, *path))
                text = (
                    f"{where}: '{now_is}' is not '{began_with}', which this goal began with and keeps; "
                    f"put '{began_with}' back, or make a new goal under another id"
                )
                yield file.finding((*place, *path), text)
        if (
            state.policy == "locked"
            and state.first_sent_at is not None
            and now.astimezone(UTC).replace(tzinfo=None) > state.first_sent_at
            and given.core_hash != state.locked_hash
        ):
            what = _changed_part(given, state)
            text = (
                f"{dotted((*place, *what))}: eligibility, target, evaluation window and measurement window "
                "of this goal are locked since its first message was sent, at "
                f"{state.first_sent_at:%Y-%m-%d %H:%M:%S} UTC; no change of this goal is applied, not even a "
                f"new name or source. Put {what[0] if what else 'them'} back to change the rest, or make a "
                "new goal under another id (with `definition_policy: versioned`, to be able to edit it "
                "later) and archive this one"
            )
            yield file.finding((*place, *what), text)


def _first_applied(
    versions: list[Row], currencies: dict[str, str] | None, workspace: str
) -> GoalState | None:
    """The state of a goal that was applied but not loaded yet: no message can have locked it."""
    if not versions:
        return None
    first = judge(versions[0]["definition"], "definition").completed
    explicit = _at(first, ("impact", "currency"))
    currency = explicit or (currencies.get(workspace, "USD") if currencies is not None else None)
    return GoalState(first["definition_policy"], currency, None, None, None)


def _currency(goal: dict[str, Any], currencies: dict[str, str] | None, workspace: str) -> str | None:
    """The currency of a goal; None if it has no impact, or the currency is not known."""
    if "impact" not in goal:
        return None
    default = currencies.get(workspace, "USD") if currencies is not None else None
    return goal["impact"].get("currency", default)


def _changed_part(given: Reading, state: GoalState) -> Place:
    """The first part of the core that differs from the locked one."""
    locked = read_definition(state.locked_definition) if state.locked_definition else None
    if locked is None or locked.normal_form is None or given.normal_form is None:
        return ()
    before, after = json.loads(locked.normal_form), json.loads(given.normal_form)
    return next(((key,) for key in CORE if compact(before.get(key)) != compact(after.get(key))), ())


def _what_is_unheard_of(file: GoalFile, landed: Landed) -> Iterator[Finding]:
    """Workspaces and sources that no landed row names: warnings, because such rows may land later."""
    if not landed.sources:
        return
    if file.workspace not in landed.sources:
        others = ", ".join(sorted(landed.sources)[:5])
        text = f"workspace: no row that has landed names '{file.workspace}'; they name {others}"
        yield file.finding(("workspace",), text)
        return
    for id_ in file.ids("goals"):
        goal, place = file.judgement.completed["goals"][id_], ("goals", id_)
        named: dict[Place, str] = {
            (*place, "sources", index): source for index, source in enumerate(goal["sources"])
        }
        message_source = _at(goal, ("target", "message", "source_id"))
        if message_source is not None:
            named[*place, "target", "message", "source_id"] = message_source
        yield from _unheard_of_sources(file, named, landed)
    for id_ in file.ids("experiments"):
        if source := file.judgement.completed["experiments"][id_].get("source"):
            yield from _unheard_of_sources(file, {("experiments", id_, "source"): source}, landed)


def _unheard_of_sources(file: GoalFile, named: dict[Place, str], landed: Landed) -> Iterator[Finding]:
    for where, source in named.items():
        if source not in landed.sources[file.workspace]:
            text = f"{dotted(where)}: no row that has landed names the source '{source}'"
            yield file.finding(where, text)


def _at(document: Any, path: tuple[str, ...]) -> Any:
    for key in path:
        document = document.get(key) if isinstance(document, dict) else None
    return document


# --- the landing folder


def _record(landing: str) -> Record:
    """Everything that was ever applied, in order: each file's name begins with its time."""
    files, root = url_to_fs(landing)
    record = Record({}, {})
    for table, id_column in ID_COLUMNS.items():
        folder = f"{root}/{table}/applied"
        for path in sorted(files.ls(folder, detail=False)) if files.isdir(folder) else []:
            if not path.endswith(".jsonl"):
                continue
            try:
                lines = files.cat_file(path).decode().split("\n")
                rows = [parse_json(line) for line in lines if line]
                for row in sorted(rows, key=itemgetter("updated_at")):
                    key = Key(table, row["workspace_id"], row[id_column])
                    record.rows.setdefault(key, []).append(row)
                    record.sets[key] = path.rsplit("/")[-1].removesuffix(".jsonl").rsplit("-")[-1]
            except (ValueError, KeyError, TypeError):
                text = "this is not what `goalpost goals apply` wrote; restore the file, or move it elsewhere"
                raise GoalpostError(f"{path}: {text}") from None
    return record


def _set_of(rows: dict[Key, Row], record: Record) -> str | None:
    """The set of most of the files' rows; of sets with equally many, the oldest; None if all rows are new."""
    sets = Counter(record.sets[key] for key in rows if key in record.sets)
    return min(sets, key=lambda each: (-sets[each], each), default=None)


def _updated_at(now: datetime, new: dict[Key, Row], record: Record) -> str:
    """The moment of the new rows: it must be later than every row in the tables that get new ones. (Other
    tables may have a row of this moment: after a kill between two tables, the rest may be applied at it.)"""
    updated_at = f"{now.astimezone(UTC):%Y-%m-%dT%H:%M:%S.%f}Z"
    tables = {key.table for key in new}
    newest = max(
        (versions[-1]["updated_at"] for key, versions in record.rows.items() if key.table in tables),
        default="",
    )
    if updated_at <= newest:
        raise GoalpostError(
            f"the clock says {updated_at}, but goals were applied at {newest} already; set the clock right"
        )
    return updated_at


def _land(landing: str, new: dict[Key, Row], updated_at: str, own_set: str | None) -> Iterator[str]:
    """Write one file per table. It gets its name only when it is complete, because a run may list the landing
    at any moment."""
    files, root = url_to_fs(landing)
    if files.isfile(root):
        raise GoalpostError(f"The landing {landing} is a file: set GOALPOST_LANDING to a folder or a URL.")
    name = updated_at.replace("-", "").replace(":", "")
    name = f"{name}-{own_set}" if own_set else name
    for table in ID_COLUMNS:
        rows = [row | {"updated_at": updated_at} for key, row in new.items() if key.table == table]
        if not rows:
            continue
        path = f"{root}/{table}/applied/{name}.jsonl"
        try:
            files.makedirs(f"{root}/{table}/applied", exist_ok=True)
            files.pipe_file(f"{path}.tmp", "".join(f"{compact(row)}\n" for row in rows).encode())
            files.mv(f"{path}.tmp", path)
        except OSError as error:
            text = "let this user write there, or set GOALPOST_LANDING to another place"
            raise GoalpostError(f"The goals cannot be landed in {landing} ({error}): {text}.") from error
        yield files.unstrip_protocol(path).removeprefix("file://")
