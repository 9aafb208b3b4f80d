"""What has landed, as far as it can be read now: what goals may no longer change, which ids exist.

Belongs here: reading the last state that the models computed. Does not: the rules of locking, policy and
currency (dbt_project/models/intermediate/goals/int_goal_rows.sql applies them), what follows (apply.py).

While a run writes, no other process can read the working database. Then the published marts are read, which
hold a little less.
"""

import json
from collections.abc import Iterable
from contextlib import closing
from dataclasses import dataclass, field
from datetime import datetime

import duckdb

from orchestration.errors import GoalpostError
from orchestration.goals.filters import Filter
from orchestration.settings import Settings
from orchestration.warehouse import WarehouseHeld, connect, first_line


@dataclass(frozen=True)
class GoalState:
    """What a goal's next row must keep. `currency`: None if not known; `first_sent_at`: the first send, which
    locks a goal whose policy is `locked`; `locked_definition`: JSON text of a row with the core of that
    moment."""

    policy: str
    currency: str | None
    first_sent_at: datetime | None
    locked_hash: str | None
    locked_definition: str | None


@dataclass(frozen=True)
class Landed:
    """`sources`: those that any row names, by workspace; empty if nothing has landed or it cannot be read.
    `currencies`: those of the workspaces; None if not known. `note`: what cannot be read, in a sentence."""

    goals: dict[tuple[str, str], GoalState] = field(default_factory=dict)
    segments: dict[str, dict[str, Filter]] = field(default_factory=dict)
    sources: dict[str, set[str]] = field(default_factory=dict)
    currencies: dict[str, str] | None = None
    note: str | None = None


WORKING = {
    "goals": """
        select workspace_id, goal_id, goal_policy, goal_currency, first_sent_at, locked_hash,
            max(definition) filter (where definition_hash = locked_hash)
        from intermediate.int_goal_rows
        group by all
    """,
    "segments": """
        select workspace_id, segment_id, max_by(normal_form, updated_at) from staging.stg_segments group by
        all
    """,
    "sources": """
        select workspace_id, source_id from staging.stg_sources
        union select workspace_id, source_id from staging.stg_journeys
        union select workspace_id, source_id from staging.stg_deliveries
        union select workspace_id, null from staging.stg_workspaces
    """,
    "currencies": "select workspace_id, currency from intermediate.int_workspaces",
}

PUBLISHED = {
    "goals": """
        select workspace_id, goal_id, max(definition_policy), max(impact_currency),
            max(first_sent_at), max_by(definition_hash, goal_version), max_by(definition, goal_version)
        from dim_goals
        group by workspace_id, goal_id
    """,
    "segments": "select workspace_id, segment_id, filter from dim_segments",
    "sources": """
        select workspace_id, source_id from dim_sources
        union select workspace_id, source_id from fct_impressions
    """,
}


def read_landed(settings: Settings) -> Landed:
    """Never waits and never fails: `note` says what cannot be read."""
    if not settings.warehouse.exists():
        return Landed()
    try:
        with closing(connect(settings, read_only=True, wait_seconds=0)) as connection:
            return _answers(connection, WORKING, note=None)
    except WarehouseHeld:
        return _published(settings, "a run is writing just now")
    except GoalpostError as error:
        return _published(settings, str(error).rstrip("."))
    except duckdb.CatalogException:
        return Landed()  # nothing was built yet
    except duckdb.Error as error:
        return _published(settings, f"the warehouse cannot be queried ({first_line(error)})")


def _published(settings: Settings, why: str) -> Landed:
    why = why[:1].upper() + why[1:]
    unknown = Landed(
        note=f"{why}, and there are no published marts to read instead: whether a goal is locked, and which "
        "sources have landed, was not checked. `goalpost run` refuses what may not change."
    )
    if not settings.published.exists():
        return unknown
    try:
        with duckdb.connect(settings.published, read_only=True) as connection:
            note = f"{why}: what landed was judged by the published marts, which the run may overtake."
            return _answers(connection, PUBLISHED, note)
    except duckdb.Error:
        return unknown


def _answers(connection: duckdb.DuckDBPyConnection, queries: dict[str, str], note: str | None) -> Landed:
    rows = {name: connection.execute(query).fetchall() for name, query in queries.items()}
    return Landed(
        goals={(workspace, goal): GoalState(*state) for workspace, goal, *state in rows["goals"]},
        segments={
            workspace: {segment: json.loads(filter_) for segment, filter_ in found}
            for workspace, found in _by_workspace(rows["segments"]).items()
        },
        sources={
            workspace: {source for (source,) in found if source is not None}
            for workspace, found in _by_workspace(rows["sources"]).items()
        },
        currencies=dict(rows["currencies"]) if "currencies" in rows else None,
        note=note,
    )


def _by_workspace(rows: Iterable[tuple]) -> dict[str, list[tuple]]:
    found: dict[str, list[tuple]] = {}
    for workspace, *others in rows:
        found.setdefault(workspace, []).append(tuple(others))
    return found
