"""Grain: one row per owner (goal version, segment or source), role and moment of pinning: a filter, its
segments inlined.

role: eligibility | profile (the target's profile part) | event (its filter) | trigger_match of a goal;
segment, the newest one of each; exit, the trigger filter of a source whose journeys end when unmatched.
pinned_at: the segments in force at that moment are meant (SEMANTICS, sections 4, 9 and 10).

The predicate is data: conditions and how they are joined (orchestration/goals/predicates.py);
macros/conditions.sql turns it into SQL.
"""

import json
from datetime import datetime

from orchestration.goals.filters import resolve, segments_in
from orchestration.goals.predicates import predicate, trigger_match_filter

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
}

BEGINNING, END = datetime.min, datetime.max


def model(dbt, session):
    dbt.config(materialized="table")
    goal_versions = dbt.ref("int_goal_versions").project(
        "workspace_id, goal_id, goal_version, segments_pinned_at, "
        "eligibility, profile_filter, event_filter, trigger_match"
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

    history: dict[str, list[tuple[str, datetime, dict]]] = {}
    for workspace_id, segment_id, updated_at, normal_form in segment_rows.fetchall():
        history.setdefault(workspace_id, []).append((segment_id, updated_at, json.loads(normal_form)))

    def segments_at(workspace_id, moment):
        return {
            id_: filter_ for id_, updated_at, filter_ in history.get(workspace_id, []) if updated_at <= moment
        }

    rows = []

    def add(workspace_id, owner_id, owner_updated_at, pinned_at, role, resolved):
        compiled = predicate(resolved)
        rows.append(
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
            }
        )

    for (
        workspace_id,
        goal_id,
        goal_version,
        pinned_at,
        eligibility,
        profile,
        event,
        pairs,
    ) in goal_versions.fetchall():
        segments = segments_at(workspace_id, pinned_at)
        for role, text, of_event in (
            ("eligibility", eligibility, False),
            ("profile", profile, False),
            ("event", event, True),
        ):
            if text is not None:
                resolved = resolve(json.loads(text), segments, of_event=of_event)
                add(workspace_id, goal_id, goal_version, pinned_at, role, resolved)
        if pairs is not None and json.loads(pairs):
            add(
                workspace_id,
                goal_id,
                goal_version,
                pinned_at,
                "trigger_match",
                trigger_match_filter(json.loads(pairs)),
            )

    for workspace_id, segment_history in history.items():
        newest = {segment_id: updated_at for segment_id, updated_at, _ in segment_history}
        for segment_id, updated_at in newest.items():
            resolved = resolve({"segment": segment_id}, segments_at(workspace_id, END))
            add(workspace_id, segment_id, updated_at, END, "segment", resolved)

    for workspace_id, source_id, updated_at, normal_form in exit_sources.fetchall():
        trigger_filter = json.loads(normal_form)
        changes = (
            {moment for _, moment, _ in history.get(workspace_id, [])}
            if any(segments_in(trigger_filter))
            else set()
        )
        for pinned_at in sorted({BEGINNING} | changes):
            resolved = resolve(trigger_filter, segments_at(workspace_id, pinned_at))
            add(workspace_id, source_id, updated_at, pinned_at, "exit", resolved)

    # As text in the query: importing Arrow, or pandas (as parameters do), takes longer than all of the above.
    text, columns = json.dumps(rows, default=datetime.isoformat).replace("'", "''"), json.dumps([COLUMNS])
    return session.sql(f"select unnest(from_json('{text}', '{columns}'), max_depth := 2)")
