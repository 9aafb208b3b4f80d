"""Grain: one row per goal version and role of a filter in it, with the segments it pins inlined (SEMANTICS, sections 3 and 4).

role: eligibility | profile (the target's profile part) | event (its filter) | trigger_match. The predicate is data: conditions
and how they are joined (orchestration/goals/predicates.py); macros/conditions.sql turns it into SQL.
"""

import json

import pyarrow

from orchestration.goals.filters import resolve
from orchestration.goals.predicates import predicate, trigger_match_filter

SCHEMA = pyarrow.schema(
    [
        ("workspace_id", pyarrow.string()),
        ("goal_id", pyarrow.string()),
        ("goal_version", pyarrow.timestamp("us")),
        ("role", pyarrow.string()),
        ("predicate", pyarrow.string()),
        ("properties", pyarrow.list_(pyarrow.string())),
        ("profile_properties", pyarrow.list_(pyarrow.string())),
        ("trigger_properties", pyarrow.list_(pyarrow.string())),
    ]
)


def model(dbt, session):
    versions = dbt.ref("int_goal_versions").project(
        "workspace_id, goal_id, goal_version, segments_pinned_at, eligibility, profile_filter, event_filter, trigger_match"
    )
    segments = dbt.ref("stg_segments").project("workspace_id, segment_id, updated_at, filter").order("updated_at").fetchall()

    rows = []
    for workspace_id, goal_id, goal_version, pinned_at, eligibility, profile, event, trigger_match in versions.fetchall():
        in_force = {
            segment_id: json.loads(filter_text)
            for segment_workspace_id, segment_id, updated_at, filter_text in segments
            if segment_workspace_id == workspace_id and updated_at <= pinned_at
        }
        filters = {
            "eligibility": eligibility and resolve(json.loads(eligibility), in_force),
            "profile": profile and resolve(json.loads(profile), in_force),
            "event": event and resolve(json.loads(event), in_force, of_event=True),
            "trigger_match": trigger_match and trigger_match_filter(json.loads(trigger_match)),
        }
        for role, resolved in filters.items():
            if resolved is None:
                continue
            compiled = predicate(resolved)
            rows.append(
                {
                    "workspace_id": workspace_id,
                    "goal_id": goal_id,
                    "goal_version": goal_version,
                    "role": role,
                    "predicate": compiled.as_json(),
                    "properties": compiled.pointers("property"),
                    "profile_properties": compiled.pointers("profile"),
                    "trigger_properties": compiled.pointers("trigger"),
                }
            )
    return pyarrow.Table.from_pylist(rows, schema=SCHEMA)
