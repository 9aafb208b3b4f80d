"""An independent reading of SEMANTICS: plain Python over rows, no SQL, to compare the marts with.

Belongs here: the input and the output. The rules are in reading.py (section 2), filters.py (3),
goals.py (4), facts.py (5-8), exits.py (9), reports.py (10) and experiments.py (11); README.md lists what the
page leaves open and how it is read here.
"""

from collections import defaultdict
from dataclasses import dataclass
from datetime import datetime

from . import experiments, reports, vendor
from .exits import find_exit
from .facts import Facts, Profile, Workspace, add_facts
from .goals import Goal, read_goal
from .reading import TABLES, Staged, stage

__all__ = ["TABLES", "LandedRow", "Result", "compute"]


@dataclass
class LandedRow:
    """One record of a landed file. `values`: the texts as landed, None where empty; None as a whole for a
    record that could not be read (`bad_row`)."""

    table: str
    path: str
    row_number: int
    values: dict[str, str | None] | None
    loaded_at: datetime


@dataclass
class Result:
    marts: dict[str, list[dict]]
    quarantine: dict[str, list[dict]]
    accounting: dict[str, dict]
    unreadable_workspaces: set[str]


def compute(rows: list[LandedRow], as_of: datetime) -> Result:
    """'Facts are a pure function of the raw rows'; 'Reports depend besides on one explicit clock,
    `as_of`'. 'A workspace with a readable id of which no landed row can be staged … is in no mart'."""
    staged = stage(rows)
    workspaces = read_workspaces(staged)
    goals = read_goals(staged, workspaces)
    profiles = read_profiles(staged, workspaces)
    facts = Facts()
    live = {key: goal for key, goal in goals.items() if not goal.is_deleted}
    for (workspace_id, _), goal in live.items():
        for (of_workspace, _), profile in profiles.items():
            if of_workspace == workspace_id:
                add_facts(facts, goal, profile)
    segments = group(staged.standing["segments"], "workspace_id")
    funnels = staged.standing["funnels"]
    known = reports.Known(as_of, workspaces, live, profiles, segments, funnels, facts)
    marts = {
        "dim_goals": reports.dim_goals(known),
        "dim_sources": reports.dim_sources(staged.standing["sources"]),
        "dim_profiles": reports.dim_profiles(staged.observations),
        "dim_segments": reports.dim_segments(staged.standing["segments"]),
        "dim_workspaces": reports.dim_workspaces(known, staged.standing["workspaces"]),
        "fct_achievements": facts.achievements,
        "fct_impressions": facts.impressions,
        "fct_enrollments": facts.enrollments,
        "fct_conversions": facts.conversions,
        "fct_touches": facts.touches,
        "fct_attributions": facts.attributions,
        "fct_delivery_conversions": facts.delivery_conversions,
        "fct_journey_exits": journey_exits(staged, profiles, segments, live, facts),
        "fct_segment_memberships": reports.fct_segment_memberships(known),
        "rpt_enrollment_progress": reports.rpt_enrollment_progress(known),
        "rpt_goal_progress": reports.rpt_goal_progress(known),
        "rpt_goal_summary": reports.rpt_goal_summary(known),
        "rpt_source_performance": reports.rpt_source_performance(known),
        "rpt_goal_cohorts": reports.rpt_goal_cohorts(known),
        "rpt_segment_performance": reports.rpt_segment_performance(known),
        "rpt_goal_funnel": reports.rpt_goal_funnel(known),
        "rpt_goal_lift": experiments.rpt_goal_lift(known, staged),
        "rpt_conversion_curve": experiments.rpt_conversion_curve(known),
    }
    performance = marts["rpt_source_performance"]
    marts["rpt_vendor_conversions"] = vendor.rpt_vendor_conversions(known, staged, performance)
    unreadable = staged.unreadable_workspaces
    for mart, rows in marts.items():
        marts[mart] = [row for row in rows if row["workspace_id"] not in unreadable]
    return Result(marts, staged.quarantine, staged.accounting, unreadable)


def group(rows: list[dict], *columns: str) -> dict:
    groups = defaultdict(list)
    for row in rows:
        key = tuple(row[column] for column in columns)
        groups[key if len(key) > 1 else key[0]].append(row)
    return dict(groups)


def read_workspaces(staged: Staged) -> dict[str, Workspace]:
    """'One that has not landed has the defaults.'"""
    workspaces = {
        row["workspace_id"]: Workspace(row["workspace_id"])
        for rows in staged.standing.values()
        for row in rows
    }
    for row in staged.standing["workspaces"]:
        columns = ("workspace_id", "time_zone", "currency", "data_start_at")
        workspaces[row["workspace_id"]] = Workspace(**{column: row[column] for column in columns})
    return workspaces


def read_goals(staged: Staged, workspaces: dict[str, Workspace]) -> dict[tuple[str, str], Goal]:
    deliveries = group(staged.standing["deliveries"], "workspace_id")
    segments = group(staged.standing["segments"], "workspace_id")
    goals = {}
    for key, rows in group(staged.standing["goals"], "workspace_id", "goal_id").items():
        workspace_id, _ = key
        goals[key] = read_goal(
            rows,
            deliveries.get(workspace_id, []),
            segments.get(workspace_id, []),
            workspaces[workspace_id].currency,
        )
        for row, reason_code in goals[key].refused:
            staged.refuse("goals", row, reason_code)
    return goals


def read_profiles(staged: Staged, workspaces: dict[str, Workspace]) -> dict[tuple[str, str], Profile]:
    """Everyone with a snapshot, a change, an event, a delivery or a journey. 'An engagement whose delivery
    has not landed waits'."""
    profiles: dict[tuple[str, str], Profile] = {}

    def profile_of(row: dict) -> Profile:
        key = (row["workspace_id"], row["profile_id"])
        if key not in profiles:
            profiles[key] = Profile(workspaces[row["workspace_id"]], row["profile_id"])
        return profiles[key]

    for row in staged.observations:
        profile_of(row).snapshots.append(row)
    for row in staged.standing["events"]:
        profile_of(row).events.append(row)
    for row in staged.standing["journeys"]:
        profile_of(row).journeys[row["journey_id"]] = row
    engagements = group(staged.standing["engagements"], "workspace_id", "delivery_id")
    for row in staged.standing["deliveries"]:
        if row["profile_id"] is not None and not row["is_anonymous"]:
            profile = profile_of(row)
            profile.deliveries.append(row)
            profile.engagements[row["delivery_id"]] = engagements.get(
                (row["workspace_id"], row["delivery_id"]), []
            )
    return profiles


def journey_exits(
    staged: Staged,
    profiles: dict[tuple[str, str], Profile],
    segments: dict[str, list[dict]],
    goals: dict[tuple[str, str], Goal],
    facts: Facts,
) -> list[dict]:
    sources = group(staged.standing["sources"], "workspace_id", "source_id")
    achievements = group(facts.achievements, "workspace_id", "goal_id", "profile_id")
    exits = []
    for journey in staged.standing["journeys"]:
        workspace_id, profile_id = journey["workspace_id"], journey["profile_id"]
        exits.append(
            find_exit(
                journey,
                profiles[workspace_id, profile_id],
                sources.get((workspace_id, journey["source_id"]), []),
                segments.get(workspace_id, []),
                {
                    goal_id: goal
                    for (of_workspace, goal_id), goal in goals.items()
                    if of_workspace == workspace_id
                },
                {key[1:]: rows for key, rows in achievements.items() if key[0] == workspace_id},
            )
        )
    return [row for row in exits if row is not None]
