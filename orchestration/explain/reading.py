"""One person's history with one goal, read from the working database.

Belongs here: the queries (sql/, one file each) and combining their results. Does not: deciding anything.
"""

from collections import defaultdict
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import duckdb

from orchestration.errors import GoalpostError
from orchestration.explain.history import (
    Achievement,
    Candidate,
    Delivery,
    Engagement,
    Enrollment,
    Explanation,
    NonAchievement,
    NonConversion,
    NonTouch,
    OtherEvents,
    Reading,
    Version,
)
from orchestration.explain.words import asks, at
from orchestration.report.reading import no_such_goal, several_workspaces
from orchestration.settings import Settings
from orchestration.warehouse import connect, writer

QUERIES = Path(__file__).with_name("sql")

# The properties of a JSON document at these pointers, as pairs of pointer and value.
READINGS = """
create temp macro readings(document, pointers) as list_transform(
    pointers,
    lambda name: {'pointer': name, 'value': nullif(cast(json_extract(document, name) as varchar), 'null')}
)
"""

# What may be missing in a warehouse that an older version of Goalpost built.
NEWER_PARTS = {
    "non_impressions": "the messages that are no impression",
    "non_conversions": "why an enrollment did not convert",
    "non_touches": "the opens and clicks that are no touch",
    "origins": "what was done to reach the goal",
    "non_achievements": "the events that are no achievement",
    "profile_key": "what the person's properties were",
    "states": "what the person's properties were",
}

Row = dict[str, Any]


class _Parts:
    """The query results about one goal and one person."""

    def __init__(self, connection: duckdb.DuckDBPyConnection, **parameters: str | None):
        self.connection, self.parameters = connection, parameters
        self.missing: list[str] = []
        connection.execute(READINGS)

    def read(self, name: str) -> list[Row]:
        query = (QUERIES / f"{name}.sql").read_text(encoding="utf-8")
        parameters = {name: value for name, value in self.parameters.items() if f"${name}" in query}
        try:
            cursor = self.connection.execute(query, parameters)
        except (duckdb.CatalogException, duckdb.BinderException):
            if name not in NEWER_PARTS:
                raise
            self.missing.append(NEWER_PARTS[name])
            return []
        names = [column[0] for column in cursor.description]
        return [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]

    def keep_states(self) -> None:
        """The person's states, as the temporary table `states` that other queries read."""
        self.connection.execute("create temp table states (observed_at timestamp, properties varchar)")
        self.parameters |= {"profile_key": None, **(self.read("profile_key") or [{}])[0]}
        if states := self.read("states"):
            self.connection.executemany("insert into states values ($observed_at, $properties)", states)

    def read_by(self, name: str, *keys: str) -> defaultdict[tuple, list[Row]]:
        """The rows by key, without the key columns."""
        grouped = defaultdict(list)
        for row in self.read(name):
            grouped[tuple(row.pop(key) for key in keys)].append(row)
        return grouped


def explain(settings: Settings, workspace_id: str | None, goal_id: str, profile_id: str) -> Explanation:
    """What the last run found. It never waits.

    Raises GoalpostError if the goal, the person or the workspace does not exist (the message names similar
    ids), if several workspaces have the goal, if there are no marts yet, or while a run writes them; lets
    duckdb.Error pass.
    """
    if holder := writer(settings):
        raise GoalpostError(
            f"A run is writing just now ({holder}), and the reasons are in the tables that it writes: "
            f"ask again when it is done. Until then `goalpost report {goal_id}` shows the published figures."
        )
    with closing(connect(settings, read_only=True, wait_seconds=0)) as connection:
        _require_marts(connection)
        parts = _Parts(connection, workspace_id=workspace_id, goal_id=goal_id, profile_id=profile_id)
        workspace_id = _workspace(parts, workspace_id, goal_id)
        parts.parameters["workspace_id"] = workspace_id
        parts.keep_states()
        if not parts.read("person"):
            near = ", ".join(f"'{row['profile_id']}'" for row in parts.read("closest_profiles"))
            raise GoalpostError(
                f"Nothing of profile '{profile_id}' has landed in workspace '{workspace_id}': check the id "
                "(the profile_id of the landed rows, upper and lower case included)"
                + (f"; the closest are {near}." if near else ".")
            )
        return Explanation(
            workspace_id=workspace_id,
            goal_id=goal_id,
            profile_id=profile_id,
            **parts.read("head")[0],
            versions=tuple(_version(row) for row in parts.read("versions")),
            deliveries=tuple(_deliveries(parts)),
            achievements=tuple(_achievements(parts)),
            non_achievements=tuple(_non_achievements(parts)),
            other_events=tuple(OtherEvents(**row) for row in parts.read("other_events")),
            other_sources={row["source_id"]: row["messages"] for row in parts.read("other_sources")},
            not_told=tuple(dict.fromkeys(parts.missing)),
        )


def _require_marts(connection: duckdb.DuckDBPyConnection) -> None:
    running = connection.execute(
        "select max(started_at) from control.runs where outcome = 'running'"
    ).fetchall()
    if running[0][0]:
        raise GoalpostError(
            f"The last run, started {at(running[0][0])} UTC, did not finish, so what it wrote is incomplete: "
            "start `goalpost run`, which carries on, and ask again."
        )
    marts = (
        "select 1 from information_schema.tables where table_catalog = 'marts' and table_name = 'dim_goals'"
    )
    if not connection.execute(marts).fetchall():
        raise GoalpostError("The warehouse holds no marts yet: compute them with `goalpost run`.")


def _workspace(parts: _Parts, workspace_id: str | None, goal_id: str) -> str:
    goals = parts.read("goals_of_that_name")
    if not goals:
        raise GoalpostError(no_such_goal(goal_id, workspace_id, parts.read("closest_goals")))
    if len(goals) > 1:
        raise GoalpostError(several_workspaces(goal_id, [goal["workspace_id"] for goal in goals]))
    if goals[0]["status"] == "deleted":
        raise GoalpostError(
            f"Goal '{goal_id}' was deleted on {at(goals[0]['changed_at'])} UTC and left every mart: "
            "land it with another status to bring its facts back."
        )
    return goals[0]["workspace_id"]


def _version(row: Row) -> Version:
    names = Version.__dataclass_fields__.keys() & row.keys()
    return Version(moment=row["updated_at"], asks=tuple(asks(row)), **{name: row[name] for name in names})


def _deliveries(parts: _Parts) -> Iterator[Delivery]:
    engagements = parts.read_by("engagements", "delivery_id")
    non_conversions = parts.read_by("non_conversions", "enrollment_id")
    for row in [*parts.read("impressions"), *parts.read("non_impressions")]:
        of_enrollment = Enrollment.__dataclass_fields__.keys() & row.keys()
        enrollment = {name: row.pop(name) for name in of_enrollment}
        if row.get("outcome") == "enrolled":
            missed = non_conversions[row["enrollment_id"],]
            enrollment["non_conversions"] = tuple(_with_readings(NonConversion, each) for each in missed)
            row["enrollment"] = Enrollment(**enrollment)
        row.pop("enrollment_id", None)
        row["engagements"] = tuple(Engagement(**each) for each in engagements[row["delivery_id"],])
        yield _with_readings(Delivery, row)


def _achievements(parts: _Parts) -> Iterator[Achievement]:
    candidates = parts.read_by("candidates", "achievement_id")
    non_touches = parts.read_by("non_touches", "achievement_id", "delivery_id")
    origins = parts.read_by("origins", "achievement_id")
    for row in parts.read("achievements"):
        achievement_id = row.pop("achievement_id")
        row["converted_deliveries"] = tuple(row["converted_deliveries"] or ())
        row["candidates"] = tuple(
            _candidate(each, non_touches[achievement_id, each["delivery_id"]])
            for each in candidates[achievement_id,]
        )
        for origin in origins[achievement_id,]:
            row |= origin
        yield _with_readings(Achievement, row)


def _non_achievements(parts: _Parts) -> Iterator[NonAchievement]:
    for row in parts.read("non_achievements"):
        row["conditions_met"] = tuple(row["conditions_met"] or ())
        yield _with_readings(NonAchievement, row)
    for row in parts.read("quarantined_events"):
        yield NonAchievement(moment=None, reason="quarantined", **row)


def _candidate(row: Row, non_touches: list[Row]) -> Candidate:
    shares = {name: row.pop(name) for name in list(row) if name.startswith("credit_")}
    credits = {name.removeprefix("credit_"): share for name, share in shares.items() if share is not None}
    return Candidate(**row, credits=credits, non_touches=tuple(NonTouch(**each) for each in non_touches))


def _with_readings(kind: type, row: Row) -> Any:
    """An entry made from the row; the columns that the macro `readings` made are lists of pairs."""
    readings = {name for name in ("state", "facts", "event", "journey") if name in row}
    return kind(**row | {name: tuple(Reading(**pair) for pair in row[name] or ()) for name in readings})
