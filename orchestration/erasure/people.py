"""Who is to be erased.

Belongs here: reading the file of people. Does not: whether any row names them (rows.py).
"""

import csv
from dataclasses import dataclass
from pathlib import Path

from orchestration.errors import GoalpostError


@dataclass(frozen=True)
class Person:
    workspace_id: str
    profile_id: str


def read_people(path: Path) -> list[Person]:
    """The people in a CSV file with the columns workspace_id and profile_id, each once.

    Raises GoalpostError, with the line, if anything in the file is wrong."""
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            rows = csv.DictReader(file, strict=True)
            names = rows.fieldnames or []
            if not {"workspace_id", "profile_id"} <= set(names):
                raise GoalpostError(
                    f"{path} has no header with workspace_id and profile_id: nobody was forgotten."
                )
            people: dict[Person, None] = {}
            for row in rows:
                if None in row or None in row.values() or not (row["workspace_id"] and row["profile_id"]):
                    raise GoalpostError(
                        f"{path}, line {rows.line_num}: it needs a workspace_id, a profile_id and as many "
                        "fields as the header. Nobody was forgotten."
                    )
                people[Person(row["workspace_id"], row["profile_id"])] = None
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        why = getattr(error, "strerror", None) or str(error)
        raise GoalpostError(f"{path} cannot be read ({why}): nobody was forgotten.") from error
    if not people:
        raise GoalpostError(f"{path} names nobody: nobody was forgotten.")
    return list(people)
