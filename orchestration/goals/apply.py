"""Landing what is new in the YAML files, as rows of goals, segments and funnels.

Belongs here: comparing with what was applied before, and writing the files. Does not: what is valid (yaml_files.py),
loading what landed (landing/).

The record of what was applied are the landed files themselves, in `<landing>/<table>/applied/`: they are there
before any run, they stay when the working database is deleted, and they say nothing that did not land.
"""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from fsspec.core import url_to_fs

from orchestration.errors import GoalpostError
from orchestration.goals.reading import compact, parse_json, read_definition
from orchestration.goals.shape import dotted
from orchestration.goals.yaml_files import Finding, GoalFile, GoalFiles, read_files
from orchestration.settings import Settings

Row = dict[str, Any]

# Segments first: a goal pins the segments in force when it begins.
ID_COLUMNS = {"segments": "segment_id", "goals": "goal_id", "funnels": "funnel_id"}


@dataclass(frozen=True)
class Applied:
    table: str
    workspace_id: str
    id: str
    is_new: bool


@dataclass(frozen=True)
class ApplyReport:
    """With errors, nothing was landed. `left_out`: applied earlier, in none of the files now, and still in force."""

    errors: tuple[Finding, ...]
    warnings: tuple[Finding, ...]
    applied: tuple[Applied, ...] = ()
    unchanged: int = 0
    left_out: tuple[Applied, ...] = ()
    landed_files: tuple[str, ...] = ()


def apply(paths: list[Path], settings: Settings, now: datetime) -> ApplyReport:
    given = read_files(paths)
    if given.errors:
        return ApplyReport(given.errors, given.warnings)
    updated_at = f"{now.astimezone(UTC):%Y-%m-%dT%H:%M:%S.%f}Z"
    record = {table: _record(settings.landing, table) for table in ID_COLUMNS}
    changes_refused = tuple(_changes_refused(given, record["goals"]))
    if changes_refused:
        return ApplyReport(changes_refused, given.warnings)

    applied: list[Applied] = []
    left_out: list[Applied] = []
    landed_files: list[str] = []
    unchanged = 0
    for table, id_column in ID_COLUMNS.items():
        rows = [row for file in given.files for row in _rows(file, table)]
        changed = []
        for row in rows:
            versions = record[table].pop((row["workspace_id"], row[id_column]), [])
            if versions and _meaning(versions[-1]) == _meaning(row):
                unchanged += 1
                continue
            changed.append(row)
            applied.append(Applied(table, row["workspace_id"], row[id_column], is_new=not versions))

    return ApplyReport(())
