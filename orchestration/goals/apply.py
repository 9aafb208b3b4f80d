"""Landing what is new in the YAML files, as rows of goals, segments and funnels.

Belongs here: comparing with what was applied before, and writing the files. Does not: what is valid
(yaml_files.py), loading what landed (landing/).

The record of what was applied is what landed in `<landing>/<table>/applied/`: it is there before any run,
it stays when the working database is deleted, and it says nothing that did not land.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from operator import itemgetter
from pathlib import Path
from typing import Any, NamedTuple

from fsspec.core import url_to_fs

from orchestration.errors import GoalpostError
from orchestration.goals.reading import compact, parse_json
from orchestration.goals.shape import dotted, judge
from orchestration.goals.yaml_files import Finding, GoalFile, read_files
from orchestration.settings import Settings

# In the order of landing: a goal pins the segments in force when it begins.
ID_COLUMNS = {"segments": "segment_id", "goals": "goal_id", "funnels": "funnel_id"}

Row = dict[str, Any]


class Key(NamedTuple):
    table: str
    workspace_id: str
    id: str


@dataclass(frozen=True)
class ApplyReport:
    """With errors nothing was landed. `left_out` was applied earlier, in none of the files, still counts."""

    errors: tuple[Finding, ...]
    warnings: tuple[Finding, ...]
    added: tuple[Key, ...] = ()
    changed: tuple[Key, ...] = ()
    unchanged: tuple[Key, ...] = ()
    left_out: tuple[Key, ...] = ()
    landed_files: tuple[str, ...] = ()


def apply(paths: list[Path], settings: Settings, now: datetime) -> ApplyReport:
    given = read_files(paths)
    if given.errors:
        return ApplyReport(given.errors, given.warnings)
    record = _record(settings.landing)
    errors = tuple(finding for file in given.files for finding in _what_cannot_change(file, record))
    if errors:
        return ApplyReport(errors, given.warnings)

    rows = {key: row for file in given.files for key, row in _rows(file)}
    new = {
        key: row
        for key, row in rows.items()
        if key not in record or _meaning(record[key][-1]) != _meaning(row)
    }
    workspaces = {file.workspace for file in given.files}
    return ApplyReport(
        errors=(),
        warnings=given.warnings,
        added=tuple(key for key in new if key not in record),
        changed=tuple(key for key in new if key in record),
        unchanged=tuple(key for key in rows if key not in new),
        left_out=tuple(
            key
            for key, versions in record.items()
            if key not in rows and key.workspace_id in workspaces and _counts(versions[-1])
        ),
        landed_files=tuple(_land(settings.landing, new, _updated_at(now, new, record))),
    )


def _rows(file: GoalFile) -> Iterator[tuple[Key, Row]]:
    """The rows that a file stands for, but for their updated_at."""
    for table, id_column in ID_COLUMNS.items():
        for id_ in file.ids(table):
            completed = file.judgement.completed[table][id_]
            if table == "goals":
                columns = {"definition": file.written[table][id_]}
            elif table == "segments":
                columns = {"name": completed.get("name"), "filter": completed["filter"]}
            else:
                columns = {
                    "name": completed.get("name"),
                    "goal_ids": completed["goals"],
                    "window_days": completed.get("window_days"),
                }
            yield Key(table, file.workspace, id_), {"workspace_id": file.workspace, id_column: id_, **columns}


def _meaning(row: Row) -> str:
    """Equal for rows that say the same, however they are written."""
    said = {column: value for column, value in row.items() if column != "updated_at"}
    if "definition" in row:
        said["definition"] = judge(row["definition"], "definition").completed
    return compact(said)


def _counts(row: Row) -> bool:
    return row.get("definition", {}).get("status") not in ("archived", "deleted")


def _what_cannot_change(file: GoalFile, record: dict[Key, list[Row]]) -> Iterator[Finding]:
    """A goal's policy and currency are those of its first row; a row with another would be quarantined."""
    for id_ in file.ids("goals"):
        versions = record.get(Key("goals", file.workspace, id_), [])
        now = file.judgement.completed["goals"][id_]
        for path in [("definition_policy",), ("impact", "currency")]:
            before = [_at(judge(row["definition"], "definition").completed, path) for row in versions]
            first = next(filter(None, before), None)
            if first and _at(now, path) not in (None, first):
                place = ("goals", id_, *path)
                text = f"'{_at(now, path)}' is not '{first}', which this goal began with; make a new goal"
                yield file.finding(place, f"{dotted(place)}: {text}")


def _at(document: Any, path: tuple[str, ...]) -> Any:
    for key in path:
        document = document.get(key) if isinstance(document, dict) else None
    return document


# --- the landing folder


def _record(landing: str) -> dict[Key, list[Row]]:
    """Everything that was ever applied, oldest first: the files are named by their time."""
    files, root = url_to_fs(landing)
    record: dict[Key, list[Row]] = {}
    for table, id_column in ID_COLUMNS.items():
        folder = f"{root}/{table}/applied"
        for path in sorted(files.ls(folder, detail=False)) if files.isdir(folder) else []:
            if not path.endswith(".jsonl"):
                continue
            try:
                lines = files.cat_file(path).decode().split("\n")
                rows = [parse_json(line) for line in lines if line]
                for row in sorted(rows, key=itemgetter("updated_at")):
                    record.setdefault(Key(table, row["workspace_id"], row[id_column]), []).append(row)
            except (ValueError, KeyError, TypeError):
                text = "this is not what `goalpost goals apply` wrote; restore the file, or move it elsewhere"
                raise GoalpostError(f"{path}: {text}") from None
    return record


def _updated_at(now: datetime, new: dict[Key, Row], record: dict[Key, list[Row]]) -> str:
    """Later than everything in the tables that get new rows. A kill between two tables may be made good at
    its moment."""
    updated_at = f"{now.astimezone(UTC):%Y-%m-%dT%H:%M:%S.%f}Z"
    tables = {key.table for key in new}
    newest = max(
        (versions[-1]["updated_at"] for key, versions in record.items() if key.table in tables), default=""
    )
    if updated_at <= newest:
        raise GoalpostError(
            f"the clock says {updated_at}, but goals were applied at {newest} already; set the clock right"
        )
    return updated_at


def _land(landing: str, new: dict[Key, Row], updated_at: str) -> Iterator[str]:
    """A file per table, under its name only when it is complete: a run may look at any moment."""
    files, root = url_to_fs(landing)
    if files.isfile(root):
        raise GoalpostError(f"The landing {landing} is a file: set GOALPOST_LANDING to a folder or a URL.")
    name = updated_at.replace("-", "").replace(":", "")
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
