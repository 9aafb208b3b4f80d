"""Grain: one row per owner (goal version, segment or source), role and moment of pinning: a filter with its
segments inlined.

role: eligibility | profile (the target's profile part) | event (its filter) | trigger_match of a goal;
segment, the newest definition of each; exit, the trigger filter of a source whose journeys end when
unmatched.
pinned_at: the filter uses the segments in force at that moment (SEMANTICS, sections 4, 9 and 10).

The predicate is data: conditions and how they are joined (orchestration/goals/predicates.py);
macros/conditions.sql turns it into SQL. A filter that would need more SQL than a run can execute says so in
`problem` and matches nobody: a goal version with such a filter counts nothing; other versions still count.
"""

import json
from datetime import datetime

from orchestration.goals.filters import SegmentHistory
from orchestration.goals.predicates import ALWAYS, NEVER, predicates, trigger_match_filter

COLUMNS = {
    "workspace_id": "varchar",
    "owner_id": "varchar",
    "owner_updated_at": "timestamp",
    "pinned_at": "timestamp",
    "role": "varchar",
    "predicate": "varchar",
    "properties": ["varchar"],
    "profile_properties": ["varchar"],
    "trigger_properties": ["varchar"],
    "problem": "varchar",
}

BEGINNING, END = datetime.min, datetime.max


def model(dbt, session):
    dbt.config(materialized="table")
    goal_versions = dbt.ref("int_goal_versions").project(
        "workspace_id, goal_id, goal_version, segments_pinned_at, "
        "eligibility, profile_filter, transition, event_filter, trigger_match"
    )
    segment_rows = (
        dbt.ref("stg_segments")
        .project("workspace_id, segment_id, updated_at, normal_form")
        .order("updated_at")
    )
    exit_sources = (
        dbt.ref("stg_sources")
        .filter("exit_condition in ('unmatched', 'goal_or_unmatched') and normal_form is not null")
        .project("workspace_id, source_id, updated_at, normal_form")
    )

    segment_history: dict[str, list[tuple[str, datetime, dict]]] = {}
    for workspace_id, segment_id, updated_at, normal_form in segment_rows.fetchall():
        segment_history.setdefault(workspace_id, []).append((segment_id, updated_at, json.loads(normal_form)))
    history = {workspace_id: SegmentHistory(rows) for workspace_id, rows in segment_history.items()}
    no_history = SegmentHistory()

    # The owner, its role, the filter, and what stands for a filter that is too large: nobody meets it, or
    # everybody where meeting it is what keeps people from counting.
    filters = []

    for (
        workspace_id,
        goal_id,
        goal_version,
        pinned_at,
        eligibility,
        profile,
        transition,
        event,
        pairs,
    ) in goal_versions.fetchall():
        owner = (goal_version, workspace_id, goal_id, pinned_at)
        segments = history.get(workspace_id, no_history).at(pinned_at)
        for role, text, otherwise in (
            ("eligibility", eligibility, NEVER),
            ("profile", profile, ALWAYS if transition == "leave" else NEVER),
            ("event", event, NEVER),
        ):
            if text is not None:
                resolved = segments.resolve(json.loads(text), of_event=role == "event")
                filters.append((*owner, role, resolved, otherwise))
        if pairs is not None and json.loads(pairs):
            filters.append((*owner, "trigger_match", trigger_match_filter(json.loads(pairs)), NEVER))

    for workspace_id, of_workspace in history.items():
        for segment_id, updated_at in of_workspace.newest().items():
            resolved = of_workspace.at(END).resolve({"segment": segment_id})
            filters.append((updated_at, workspace_id, segment_id, END, "segment", resolved, NEVER))

    for workspace_id, source_id, updated_at, normal_form in exit_sources.fetchall():
        trigger_filter = json.loads(normal_form)
        of_workspace = history.get(workspace_id, no_history)
        for pinned_at in sorted({BEGINNING} | of_workspace.changes_behind(trigger_filter)):
            resolved = of_workspace.at(pinned_at).resolve(trigger_filter)
            filters.append((updated_at, workspace_id, source_id, pinned_at, "exit", resolved, ALWAYS))

    # The oldest first: when all together are too many, what is newest is left out.
    filters.sort(key=lambda row: row[:5])
    rows = [
        {
            "workspace_id": workspace_id,
            "owner_id": owner_id,
            "owner_updated_at": owner_updated_at,
            "pinned_at": pinned_at,
            "role": role,
            "predicate": compiled.as_json(),
            "properties": compiled.pointers("property"),
            "profile_properties": compiled.pointers("profile"),
            "trigger_properties": compiled.pointers("trigger"),
            "problem": problem,
        }
        for (owner_updated_at, workspace_id, owner_id, pinned_at, role, *_), (compiled, problem) in zip(
            filters, predicates([(resolved, otherwise) for *_, resolved, otherwise in filters]), strict=True
        )
    ]

    # As text in the query: importing Arrow, or pandas (as parameters do), takes longer than all of the above.
    text, columns = json.dumps(rows, default=datetime.isoformat).replace("'", "''"), json.dumps([COLUMNS])
    return session.sql(f"select unnest(from_json('{text}', '{columns}'), max_depth := 2)")
