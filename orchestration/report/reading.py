"""The goals' figures, read from the published file: at any time, also while a run writes.

Belongs here: the queries and their results. Does not: layout (layout.py).
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import duckdb

from orchestration.errors import GoalpostError
from orchestration.settings import Settings

Row = dict[str, Any]

GOALS = """
select
    workspace_id,
    goal_id,
    goals.name,
    goals.version_number,
    summary.* exclude (workspace_id, goal_id),
    summary.attributed_achievers / nullif(summary.achievers, 0) as attributed_share,
    goals.impact_currency,
    goals.first_sent_at
from rpt_goal_summary as summary
inner join dim_goals as goals using (workspace_id, goal_id)
where goals.is_current
order by workspace_id, lower(coalesce(goals.name, goal_id)), goal_id
"""

PROGRESS = """
select
    period,
    period_start,
    sum(achievers)::bigint as achievers,
    sum(achievements)::bigint as achievements,
    sum(impact) as impact,
    sum(impact_first) as impact_first
from rpt_goal_progress
where workspace_id = $workspace_id and goal_id = $goal_id
group by period, period_start
order by period, period_start
"""

SOURCES = """
select
    performance.source_id,
    sources.name as source_name,
    performance.* exclude (workspace_id, goal_id, source_id)
from rpt_source_performance as performance
left join dim_sources as sources using (workspace_id, source_id)
where workspace_id = $workspace_id and goal_id = $goal_id
order by performance.conversions desc, performance.impressions desc, performance.source_id
"""

FUNNELS = """
select
    funnel_id,
    step,
    steps.goal_id,
    goals.name as goal_name,
    steps.* exclude (workspace_id, funnel_id, step, goal_id)
from rpt_goal_funnel as steps
left join dim_goals as goals
    on steps.workspace_id = goals.workspace_id and steps.goal_id = goals.goal_id and goals.is_current
where
    steps.workspace_id = $workspace_id
    and funnel_id in (
        select funnel_id from rpt_goal_funnel where workspace_id = $workspace_id and goal_id = $goal_id
    )
order by funnel_id, step
"""

EXPERIMENTS = """
select
    lift.*,
    goals.name as goal_name,
    goals.impact_currency,
    sources.name as source_name
from rpt_goal_lift as lift
left join dim_goals as goals
    on lift.workspace_id = goals.workspace_id and lift.goal_id = goals.goal_id and goals.is_current
left join dim_sources as sources
    on lift.workspace_id = sources.workspace_id and lift.source_id = sources.source_id
where $workspace_id is null or lift.workspace_id = $workspace_id
order by
    lift.workspace_id, lift.experiment_id, lift.horizon, lift.is_primary desc,
    lower(coalesce(goals.name, lift.goal_id)), lift.goal_id
"""

# What was meant, perhaps: by id or by name.
CLOSEST = """
select goal_id, workspace_id
from dim_goals
where is_current and workspace_id = coalesce($workspace_id, workspace_id)
order by
    greatest(
        jaro_winkler_similarity(lower(goal_id), lower($goal_id)),
        jaro_winkler_similarity(lower(coalesce(name, '')), lower($goal_id))
    ) desc,
    goal_id,
    workspace_id
limit 3
"""


@dataclass(frozen=True)
class Publication:
    """When the marts were published and until when they count; both are None if an older version published
    them."""

    as_of: datetime | None
    published_at: datetime | None
    workspaces: dict[str, Row]  # time_zone and currency


@dataclass(frozen=True)
class Goals:
    publication: Publication
    goals: list[Row]


@dataclass(frozen=True)
class GoalPage:
    publication: Publication
    goal: Row
    progress: list[Row]  # by period and period_start, of all sources together
    sources: list[Row]
    funnels: dict[str, list[Row]]  # the steps of the funnels that contain the goal


@dataclass(frozen=True)
class ExperimentPage:
    publication: Publication
    experiment: Row  # what all of its rows share
    lift: list[Row]  # of rpt_goal_lift: by horizon, the primary goal first


def read_goals(settings: Settings) -> Goals:
    """A row per goal, grouped by workspace. Raises GoalpostError if nothing is published, or the published
    file cannot be read."""
    with _published(settings) as connection:
        return Goals(_publication(connection), _with_calendar(connection, _rows(connection, GOALS)))


def read_goal(settings: Settings, goal_id: str, workspace_id: str | None) -> GoalPage:
    """The page of one goal. Raises GoalpostError if nothing is published, if there is no such goal (the
    message names similar ids), if several workspaces have it, or if the published file cannot be read."""
    with _published(settings) as connection:
        goals = [
            goal
            for goal in _rows(connection, GOALS)
            if goal["goal_id"] == goal_id and workspace_id in (None, goal["workspace_id"])
        ]
        if not goals:
            closest = _rows(connection, CLOSEST, goal_id=goal_id, workspace_id=workspace_id)
            raise GoalpostError(no_such_goal(goal_id, workspace_id, closest))
        if len(goals) > 1:
            raise GoalpostError(several_workspaces(goal_id, [goal["workspace_id"] for goal in goals]))
        [goal] = _with_calendar(connection, goals)
        key = {"workspace_id": goal["workspace_id"], "goal_id": goal_id}
        funnels: dict[str, list[Row]] = {}
        for step in _rows(connection, FUNNELS, **key):
            funnels.setdefault(step.pop("funnel_id"), []).append(step)
        return GoalPage(
            publication=_publication(connection),
            goal=goal,
            progress=_rows(connection, PROGRESS, **key),
            sources=_rows(connection, SOURCES, **key),
            funnels=funnels,
        )


def read_experiment(settings: Settings, name: str, workspace_id: str | None) -> ExperimentPage:
    """The page of one experiment, by its id or its name. Raises GoalpostError if nothing is published, if
    there is no such experiment (the message lists those that there are), if several fit, or if the published
    file cannot be read."""
    with _published(settings) as connection:
        rows = _rows(connection, EXPERIMENTS, workspace_id=workspace_id)
        fitting = [row for row in rows if name in (row["experiment_id"], row["experiment_name"])]
        found = {(row["workspace_id"], row["experiment_id"]) for row in fitting}
        if not found:
            there = ", ".join(sorted({f"'{row['experiment_id']}'" for row in rows})) or "none"
            raise GoalpostError(
                f"No experiment '{name}' is measured: there is {there}. Holdouts, trapped deliveries or an "
                "`experiments` row make one, and it needs a goal (docs/experiments.md)."
            )
        if len(found) > 1:
            listed = ", ".join(f"'{id_}' of workspace '{workspace}'" for workspace, id_ in sorted(found))
            raise GoalpostError(
                f"Several experiments are called '{name}': {listed}. Say --workspace, or the id."
            )
        [experiment] = _with_calendar(connection, fitting[:1])
        return ExperimentPage(_publication(connection), experiment, fitting)


def no_such_goal(goal_id: str, workspace_id: str | None, closest: Sequence[Row]) -> str:
    """The sentence for an id that no goal has; `closest`: goals (goal_id, workspace_id) with similar ids."""
    place = f" in workspace '{workspace_id}'" if workspace_id else ""
    near = ", ".join("'{goal_id}' of workspace '{workspace_id}'".format(**goal) for goal in closest)
    hint = f"the closest {'are' if len(closest) > 1 else 'is'} {near}" if near else "no goal has landed"
    return f"There is no goal '{goal_id}'{place}: {hint}{' there' if place and not near else ''}."


def several_workspaces(goal_id: str, workspaces: Sequence[str]) -> str:
    return (
        f"Several workspaces have a goal '{goal_id}': say which with --workspace ({', '.join(workspaces)})."
    )


@contextmanager
def _published(settings: Settings) -> Iterator[duckdb.DuckDBPyConnection]:
    if not settings.published.exists():
        raise GoalpostError(
            f"Nothing is published at {settings.published} yet: `goalpost run` computes the marts and "
            "publishes them (GOALPOST_HOME says where)."
        )
    try:
        with duckdb.connect(settings.published, read_only=True) as connection:
            connection.execute("set timezone = 'UTC'")
            yield connection
    except duckdb.Error as error:
        raise GoalpostError(
            f"The published marts {settings.published} cannot be read "
            f"({str(error).splitlines()[0].rstrip('.!')}): move the file away, "
            "and `goalpost run --full-refresh` publishes them again."
        ) from error


def _publication(connection: duckdb.DuckDBPyConnection) -> Publication:
    written = _rows(connection, "from control.publication") if _is_there(connection, "publication") else []
    workspaces = (
        _rows(connection, "select workspace_id, time_zone, currency from dim_workspaces")
        if _is_there(connection, "dim_workspaces")
        else []
    )
    return Publication(
        as_of=written[0]["as_of"] if written else None,
        published_at=written[0]["published_at"] if written else None,
        workspaces={row.pop("workspace_id"): row for row in workspaces},
    )


def _with_calendar(connection: duckdb.DuckDBPyConnection, goals: list[Row]) -> list[Row]:
    workspaces = _publication(connection).workspaces
    unknown = {"time_zone": None, "currency": None}
    return [goal | workspaces.get(goal["workspace_id"], unknown) for goal in goals]


def _is_there(connection: duckdb.DuckDBPyConnection, table: str) -> bool:
    found = "select 1 from duckdb_tables() where table_name = ?"
    return bool(connection.execute(found, [table]).fetchall())


def _rows(connection: duckdb.DuckDBPyConnection, query: str, **parameters: Any) -> list[Row]:
    cursor = connection.execute(query, parameters)
    names = [column[0] for column in cursor.description]
    return [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]
