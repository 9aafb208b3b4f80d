"""Section 9: when a journey would have been left, and how many messages it got after that.

Belongs here: exit conditions. Does not: achievements (the caller passes them).
"""

from datetime import datetime

from .facts import Profile, is_goal_state
from .filters import Segments, Subject, holds
from .goals import Goal, is_sendable


def find_exit(
    journey: dict,
    profile: Profile,
    source_rows: list[dict],
    segments: list[dict],
    goals: dict,
    achievements: dict,
) -> dict | None:
    """'One row per journey, from `data_start_at` on, of a source with an exit condition (the source's row in
    force at `entered_at`, the earliest if none is; segments as of entry).'"""
    entered_at, start = journey["entered_at"], profile.workspace.data_start_at
    source = source_at(source_rows, entered_at)
    if source is None or source["exit_condition"] == "never" or (start is not None and entered_at < start):
        return None
    sends = journey_sends(journey, profile)
    moments = []
    if source["exit_condition"] in ("goal", "goal_or_unmatched"):
        goal = goals.get(source["exit_goal_id"])
        moments.append((goal_exit(journey, profile, goal, achievements), "goal"))
    if source["exit_condition"] in ("unmatched", "goal_or_unmatched"):
        in_force = Segments.in_force(segments, entered_at)
        moments.append(
            (unmatched_exit(journey, profile, source["trigger_filter"], in_force, sends), "unmatched")
        )
    exit_at, reason = earliest(moments, journey["finished_at"])
    return {
        "workspace_id": profile.workspace.workspace_id,
        "profile_id": profile.profile_id,
        "source_id": journey["source_id"],
        "journey_id": journey["journey_id"],
        "entered_at": entered_at,
        "exit_condition": source["exit_condition"],
        "exit_reason": reason,
        "exit_at": exit_at,
        "messages_after_exit": sum(exit_at is not None and sent_at > exit_at for sent_at in sends),
    }


def source_at(rows: list[dict], at: datetime) -> dict | None:
    rows = sorted(rows, key=lambda row: row["updated_at"])
    in_force = [row for row in rows if row["updated_at"] <= at]
    return in_force[-1] if in_force else next(iter(rows), None)


def journey_sends(journey: dict, profile: Profile) -> list[datetime]:
    """'the journey's sendable deliveries … For exits no webhook is sendable.'"""
    return sorted(
        delivery["sent_at"]
        for delivery in profile.deliveries
        if delivery["journey_id"] == journey["journey_id"] and is_sendable(delivery, webhook_message_ids=[])
    )


def goal_exit(journey: dict, profile: Profile, goal: Goal | None, achievements: dict) -> datetime | None:
    """'`goal`: met at `entered_at` if the exit goal's version in force and active then has a profile-only
    target and its goal state holds, else at the goal's first achievement at or after `entered_at`. … A
    deleted exit goal is never met.'"""
    if goal is None or goal.is_deleted:
        return None
    entered_at = journey["entered_at"]
    version = goal.version_in_force(entered_at)
    is_judged_by_state = version and version.counts(entered_at) and version.definition.is_profile_only
    if is_judged_by_state and is_goal_state(version, profile.state_at(entered_at)):
        return entered_at
    achieved = (row["achieved_at"] for row in achievements.get((goal.goal_id, profile.profile_id), []))
    return min((moment for moment in achieved if moment >= entered_at), default=None)


def unmatched_exit(
    journey: dict, profile: Profile, trigger_filter: dict | None, segments: Segments, sends: list[datetime]
) -> datetime | None:
    """'`unmatched`: at the first moment from `entered_at` on at which `trigger_filter` does not hold and
    still does not at the journey's next message, the first sent strictly after that moment (after the last
    message: still does not in the newest snapshot), whatever holds in between; no filter, never.'"""
    if trigger_filter is None:
        return None

    def is_unmatched(at: datetime) -> bool:
        state = profile.state_at(at)
        return not holds(trigger_filter, Subject(state, state, segments))

    entered_at = journey["entered_at"]
    changes = [entered_at, *(row["observed_at"] for row in profile.snapshots), *sends]
    for moment in sorted(change for change in changes if change >= entered_at):
        next_send = min((sent_at for sent_at in sends if sent_at > moment), default=datetime.max)
        if is_unmatched(moment) and is_unmatched(next_send):
            return moment
    return None


def earliest(
    moments: list[tuple[datetime | None, str]], finished_at: datetime | None
) -> tuple[datetime | None, str | None]:
    """'`goal_or_unmatched`: the earlier; a tie is `goal`. … After `finished_at` there is no exit.' The text
    `goal` sorts before `unmatched`."""
    met = sorted((moment, reason) for moment, reason in moments if moment is not None)
    if not met or (finished_at is not None and met[0][0] > finished_at):
        return None, None
    return met[0]
