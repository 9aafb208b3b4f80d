"""Section 5: what was observed of a person, moment by moment, from snapshots and changes.

Belongs here: the whole state at each observation. Does not: what a filter makes of it (filters.py).
"""

from collections import defaultdict

from .values import write_json


def observe(snapshots: list[dict], changes: list[dict]) -> list[dict]:
    """'Every change is an observation as a snapshot is: … the change with the whole state that it makes, and
    those of one moment are one observation.' A row per profile and moment, by moment."""
    of_profile = defaultdict(lambda: ([], []))
    for row in snapshots:
        of_profile[row["workspace_id"], row["profile_id"]][0].append(row)
    for row in changes:
        row = row | {"observed_at": row["changed_at"]}
        of_profile[row["workspace_id"], row["profile_id"]][1].append(row)
    rows = [
        {"workspace_id": workspace_id, "profile_id": profile_id, "observed_at": moment}
        | state_as_of(moment, own_snapshots, own_changes)
        for (workspace_id, profile_id), (own_snapshots, own_changes) in of_profile.items()
        for moment in {row["observed_at"] for row in own_snapshots + own_changes}
    ]
    return sorted(rows, key=lambda row: row["observed_at"])


def state_as_of(moment, snapshots: list[dict], changes: list[dict]) -> dict:
    """'the properties of the snapshot with the greatest `observed_at <= t`, overlaid, key by key, with those
    of the profile's changes with `changed_at` from that snapshot's `observed_at` (none: ever) to `t`, in the
    order (changed_at, change_id)'; 'A change that deletes is as a snapshot that deletes; a deletion is the
    last of its moment.'"""
    until_then = [row for row in snapshots + changes if row["observed_at"] <= moment]
    deletions = [row["observed_at"] for row in until_then if row["is_deleted"]]
    deleted_at = max(deletions, default=None)
    if deleted_at == moment:
        return {"is_deleted": True, "properties": {}, "text": None}
    alive = [row for row in until_then if deleted_at is None or row["observed_at"] > deleted_at]
    whole = [row for row in alive if "change_id" not in row]
    newest = max(whole, key=lambda row: row["observed_at"], default=None)
    state = dict(newest["properties"] or {}) if newest else {}
    for row in sorted(
        (
            row
            for row in alive
            if "change_id" in row and (not newest or row["observed_at"] >= newest["observed_at"])
        ),
        key=lambda row: (row["observed_at"], row["change_id"]),
    ):
        state |= row["properties"] or {}
    if not changes:
        return {"is_deleted": False, "properties": state, "text": newest["landed"].values.get("properties")}
    state = {key: value for key, value in state.items() if value is not None}
    return {"is_deleted": False, "properties": state, "text": write_json(state) if state else None}
