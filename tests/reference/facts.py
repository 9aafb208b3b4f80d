"""Sections 5-8: what happened, goal by goal and profile by profile.

Belongs here: states, achievements, impressions, enrollments, conversions, touches, credit. Does not: `as_of`
(the facts do not know it; reports.py) or exits (exits.py).
"""

# SEMANTICS is quoted as it is written.
# ruff: noqa: RUF002

import hashlib
from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from decimal import ROUND_HALF_UP, Decimal
from functools import partial
from pathlib import Path

import yaml

from .filters import Subject, compare_properties, holds, look_up
from .goals import Definition, Goal, Version
from .values import (
    add_days,
    as_impact,
    compact_json,
    end_of_local_day,
    iso,
    local_day,
    scalar_text,
    seconds_between,
)

FAILED_METRICS = {"bounced", "failed", "dropped", "undeliverable"}
MACHINE_METRICS = {"opened", "clicked"}
TWELVE_DECIMALS = Decimal("0.000000000001")

# The numbers of rules come from the project, so that a change is made in one place.
NUMBERS = yaml.safe_load((Path(__file__).parents[2] / "dbt_project" / "dbt_project.yml").read_text())["vars"]
REASON_HORIZON_DAYS = NUMBERS["unattributed_reason_days"]
HALF_LIFE = timedelta(days=NUMBERS["time_decay_half_life_days"])
POSITION_FIRST = Decimal(str(NUMBERS["position_credit_first"]))
POSITION_LAST = Decimal(str(NUMBERS["position_credit_last"]))


@dataclass
class Workspace:
    workspace_id: str
    time_zone: str = "UTC"
    currency: str = "USD"
    data_start_at: datetime | None = None


@dataclass
class Profile:
    """'Facts of a profile depend on that profile's rows and on the definitions … only.'"""

    workspace: Workspace
    profile_id: str
    snapshots: list[dict] = field(default_factory=list)  # by observed_at
    events: list[dict] = field(default_factory=list)
    deliveries: list[dict] = field(default_factory=list)
    journeys: dict[str, dict] = field(default_factory=dict)
    engagements: dict[str, list[dict]] = field(default_factory=dict)  # by delivery_id

    def state_at(self, at: datetime):
        """'State as of `t` = the properties of the snapshot with the greatest `observed_at <= t`; none: every
        property is missing.'"""
        return state_of(next((row for row in reversed(self.snapshots) if row["observed_at"] <= at), None))

    def journey_of(self, delivery: dict) -> dict | None:
        """'A journey of another profile than the delivery's counts as not landed, and its deliveries are not
        the journey's.'"""
        return self.journeys.get(delivery["journey_id"])

    def engagements_of(self, delivery: dict) -> list[dict]:
        return self.engagements.get(delivery["delivery_id"], [])


@dataclass
class Facts:
    """Every fact of a world; each list becomes a mart."""

    achievements: list[dict] = field(default_factory=list)
    impressions: list[dict] = field(default_factory=list)
    enrollments: list[dict] = field(default_factory=list)
    conversions: list[dict] = field(default_factory=list)
    touches: list[dict] = field(default_factory=list)
    attributions: list[dict] = field(default_factory=list)
    delivery_conversions: list[dict] = field(default_factory=list)


def surrogate_key(*parts: str | None) -> str:
    """'md5 of … joined by U+001F. Every surrogate key is made this way; null is empty text.'"""
    return hashlib.md5("\x1f".join(part or "" for part in parts).encode()).hexdigest()


def add_facts(facts: Facts, goal: Goal, profile: Profile) -> None:
    achievements = find_achievements(goal, profile)
    impressions = find_impressions(goal, profile)
    enrollments = [enroll(goal, profile, row) for row in impressions if row["outcome"] == "enrolled"]
    for enrollment in enrollments:
        convert(enrollment, achievements, profile)
    facts.achievements += [without_private(row) for row in achievements]
    facts.impressions += [without_private(row) for row in impressions]
    facts.enrollments += [without_private(row) for row in enrollments]
    facts.conversions += [conversion(row) for row in enrollments if row["achievement_id"] is not None]
    credited = []
    for achievement in achievements:
        candidates = find_candidates(goal, profile, achievement)
        touches = find_touches(goal, profile, achievement, candidates)
        facts.touches += [without_private(row) for row in touches]
        facts.attributions.append(attribute(goal, profile, achievement, candidates, touches))
        credited += credit_within_sources(profile, achievement, touches)
    facts.delivery_conversions += count_delivery_conversions(credited)


def without_private(row: dict) -> dict:
    """Keys that begin with an underscore carry Python objects from step to step; they are not columns."""
    return {name: value for name, value in row.items() if not name.startswith("_")}


# ---- 5. profile state --------------------------------------------------------------------------------------


def state_of(snapshot: dict | None):
    """'A deleting snapshot makes every property missing'"""
    return None if snapshot is None or snapshot["is_deleted"] else snapshot["properties"]


def matches(filter: dict | None, version: Version, state) -> bool:
    """'eligibility … none = everyone'"""
    return filter is None or holds(filter, Subject(state, state, version.segments))


def is_goal_state(version: Version, state) -> bool:
    """'`enter`: the filter matches; `leave`: it does not'"""
    return matches(version.definition.profile, version, state) == (version.definition.transition == "enter")


# ---- 6. achievements ---------------------------------------------------------------------------------------


def find_achievements(goal: Goal, profile: Profile) -> list[dict]:
    """'`achievement_number` runs over the goal's achievements of a profile by (achieved_at, achievement_id);
    `is_first` marks number 1.'"""
    found = [
        *profile_achievements(goal, profile),
        *event_achievements(goal, profile),
        *message_achievements(goal, profile),
    ]
    found.sort(key=lambda row: (row["achieved_at"], row["achievement_id"]))
    for number, row in enumerate(found, start=1):
        row |= {"achievement_number": number, "is_first": number == 1}
    return found


def profile_achievements(goal: Goal, profile: Profile):
    """'**profile** alone, `enter`: a snapshot that matches while the profile's previous snapshot does not (or
    there is none). `leave`: a snapshot that does not match while the previous one does. At `observed_at`.' A
    deleting snapshot 'is never itself an achievement'."""
    previous = None
    for snapshot in profile.snapshots:
        before, previous = previous, snapshot
        judged = goal.judge(partial(observed_at, snapshot))
        if judged is None or snapshot["is_deleted"]:
            continue
        version, moment = judged
        if before is None:
            was_there = version.definition.transition == "leave"
        else:
            was_there = is_goal_state(version, state_of(before))
        if is_goal_state(version, state_of(snapshot)) and not was_there:
            yield from achieve(goal, version, profile, "profile", iso(moment), moment, moment, None)


def observed_at(snapshot: dict, definition: Definition) -> datetime | None:
    return snapshot["observed_at"] if definition.is_profile_only else None


def event_achievements(goal: Goal, profile: Profile):
    """'**event** (with or without profile): every event with that name whose filter holds and, with a profile
    part, whose profile state as of that moment matches (`leave`: does not match). At `received_at`, or
    `occurred_at` by the goal's clock'"""
    for event in profile.events:
        judged = goal.judge(partial(received_or_occurred_at, event))
        if judged is None:
            continue
        version, moment = judged
        state = profile.state_at(moment)
        target = version.definition.event
        if event["name"] != target["name"]:
            continue
        subject = Subject(event["properties"], state, version.segments)
        if target["filter"] is not None and not holds(target["filter"], subject):
            continue
        if version.definition.profile is None or is_goal_state(version, state):
            natural_key, tested = event["event_id"], event["received_at"]
            yield from achieve(goal, version, profile, "event", natural_key, moment, tested, event)


def received_or_occurred_at(event: dict, definition: Definition) -> datetime | None:
    return None if definition.event is None else event[column_of(definition.event["clock"])]


def column_of(clock: str) -> str:
    """'clock: received}  # received (default) | occurred'"""
    return {"received": "received_at", "occurred": "occurred_at"}[clock]


def message_achievements(goal: Goal, profile: Profile):
    """'**message** (with or without profile): every engagement of that metric (`sent`: the delivery at
    `sent_at`), of any source type and channel, bounced or not, never anonymous or holdout.'"""
    for delivery in profile.deliveries:
        if delivery["is_holdout"]:
            continue
        sent_at = delivery["sent_at"]
        yield from message_achievement(
            goal, profile, delivery, "sent", sent_at, delivery["delivery_id"], False
        )
        for row in profile.engagements_of(delivery):
            if row["metric"] == "sent":
                continue  # 'the delivery at `sent_at`', however often it is reported
            metric, moment, is_machine = row["metric"], row["occurred_at"], row["is_machine"]
            yield from message_achievement(
                goal, profile, delivery, metric, moment, row["engagement_id"], is_machine
            )


def message_achievement(goal, profile, delivery, metric, moment, natural_key, is_machine):
    """'Machine opens and clicks only with the target's `count_machine`.'"""

    def moment_under(definition):
        is_sent = None if definition.message is None else definition.message["metric"] == "sent"
        return moment if is_sent == (metric == "sent") else None

    judged = goal.judge(moment_under)
    if judged is None:
        return
    version, _ = judged
    target = version.definition.message
    is_wanted = (
        target["metric"] == metric
        and target["source_id"] in (None, delivery["source_id"])
        and target["channel"] in (None, delivery["channel"])
        and (target["count_machine"] or metric not in MACHINE_METRICS or not is_machine)
    )
    if is_wanted and (version.definition.profile is None or is_goal_state(version, profile.state_at(moment))):
        yield from achieve(goal, version, profile, "message", natural_key, moment, moment, None)


def achieve(
    goal: Goal,
    version: Version,
    profile: Profile,
    kind: str,
    natural_key: str,
    moment: datetime,
    tested: datetime,
    event: dict | None,
):
    """'Nothing before the start or before the workspace's `data_start_at` counts: no achievement …'; and the
    evaluation window. Yields one achievement or none."""
    start = profile.workspace.data_start_at
    if start is not None and tested < start:
        return
    if not is_in_evaluation_window(version, profile, moment):
        return
    ids = (profile.workspace.workspace_id, goal.goal_id, profile.profile_id)
    impact = version.definition.impact
    unconverted = unconverted_currency(goal, version, event)
    yield {
        "workspace_id": profile.workspace.workspace_id,
        "goal_id": goal.goal_id,
        "goal_version": version.goal_version,
        "profile_id": profile.profile_id,
        "achievement_id": surrogate_key(*ids, kind, natural_key),
        "natural_key": natural_key,
        "kind": kind,
        "achieved_at": moment,
        "impact_value": impact_value(version, event) if unconverted is None else None,
        "impact_currency": goal.currency if impact else None,
        "unconverted_currency": unconverted,
        "_version": version,
        "_event": event,
    }


def is_in_evaluation_window(version: Version, profile: Profile, moment: datetime) -> bool:
    """'counts only within `[anchor, anchor + days]`, the anchor being the profile's first event of that name
    (by the event clock, default received) or its first snapshot. No anchor, no achievement.'"""
    window = version.definition.evaluation_window
    if window is None:
        return True
    if window["event"] is None:
        anchors = [row["observed_at"] for row in profile.snapshots]
    else:
        target = version.definition.event
        clock = target["clock"] if target else "received"
        anchors = [row[column_of(clock)] for row in profile.events if row["name"] == window["event"]]
    return bool(anchors) and min(anchors) <= moment <= add_days(min(anchors), window["days"])


def impact_value(version: Version, event: dict | None) -> Decimal | None:
    """'`impact_value` is the static value, or the event's property as a decimal(18,6) rounded half up'"""
    impact = version.definition.impact
    if impact is None:
        return None
    if impact.event_property is None:
        return impact.value
    return as_impact(look_up(event["properties"], impact.event_property))


def unconverted_currency(goal: Goal, version: Version, event: dict | None) -> str | None:
    """'an event whose `currency_property` names another currency than the goal's (case does not matter;
    missing: the goal's; what is no text, or empty, is another)'"""
    impact = version.definition.impact
    if impact is None or impact.currency_property is None:
        return None
    named = look_up(event["properties"], impact.currency_property)
    if named is None or (isinstance(named, str) and named.upper() == goal.currency.upper()):
        return None
    text = scalar_text(named)
    return compact_json(named) if text is None else text


# ---- 7. impressions, enrollments, conversions --------------------------------------------------------------


def is_received(version: Version, profile: Profile, delivery: dict) -> bool:
    """'It is *received* if it is sendable and has no `bounced`, `failed`, `dropped` or `undeliverable`
    engagement.'"""
    has_failed = any(row["metric"] in FAILED_METRICS for row in profile.engagements_of(delivery))
    return version.definition.can_send(delivery) and not has_failed


def counts_under_policy(version: Version, profile: Profile, delivery: dict) -> bool:
    """'a delivery counts if its journey entered (no journey landed: it was sent) at or after its source was
    attached'"""
    attached_since = version.attached_since.get(delivery["source_id"])
    journey = profile.journey_of(delivery)
    return (
        attached_since is None
        or (journey["entered_at"] if journey else delivery["sent_at"]) >= attached_since
    )


def impression_moment(profile: Profile, delivery: dict, definition: Definition) -> datetime | None:
    """'Its *moment* is `sent_at`, or for goals with `impression: delivered` its first `delivered` engagement
    (none: no impression, but still a candidate for credit).'"""
    if definition.impression == "sent":
        return delivery["sent_at"]
    delivered = (row for row in profile.engagements_of(delivery) if row["metric"] == "delivered")
    return min((row["occurred_at"] for row in delivered), default=None)


def find_impressions(goal: Goal, profile: Profile) -> list[dict]:
    """'A received delivery is an impression of each goal whose version in force at that moment is active and
    lists its source.'"""
    impressions = []
    start = profile.workspace.data_start_at
    for delivery in profile.deliveries:
        judged = goal.judge(partial(impression_moment, profile, delivery))
        if judged is None:
            continue
        version, moment = judged
        if (
            delivery["source_id"] in version.definition.sources
            and is_received(version, profile, delivery)
            and counts_under_policy(version, profile, delivery)
            and (start is None or moment >= start)
        ):
            impressions.append(
                {
                    "workspace_id": profile.workspace.workspace_id,
                    "goal_id": goal.goal_id,
                    "goal_version": version.goal_version,
                    "profile_id": profile.profile_id,
                    **of_delivery(delivery),
                    "received_at": moment,
                    "_version": version,
                }
            )
    impressions.sort(key=lambda row: (row["received_at"], row["delivery_id"]))
    decide_outcomes(impressions, profile)
    return impressions


def of_delivery(delivery: dict | None) -> dict:
    columns = ("source_id", "journey_id", "delivery_id", "message_id", "channel")
    return {column: delivery and delivery[column] for column in columns}


def decide_outcomes(impressions: list[dict], profile: Profile) -> None:
    """'Checks in this order, on the state as of that moment: … `not_eligible` … `already_achieved` … an
    earlier impression (by received_at, delivery_id) of the same goal, source, profile and journey was
    enrolled …'"""
    enrolled, known = set(), set()
    for impression in impressions:
        version = impression["_version"]
        state = profile.state_at(impression["received_at"])
        grain = (impression["source_id"], impression["journey_id"])
        if not matches(version.definition.eligibility, version, state):
            outcome = "not_eligible"
        elif version.definition.is_profile_only and is_goal_state(version, state):
            outcome = "already_achieved"
        elif grain in enrolled:
            outcome = "already_enrolled"
        else:
            outcome = "enrolled"
            enrolled.add(grain)
        impression["outcome"] = outcome
        impression["is_first"], impression["is_first_of_journey"] = not known, grain not in known
        known.add(grain)


def enroll(goal: Goal, profile: Profile, impression: dict) -> dict:
    """'An enrollment is one row per goal, source, profile and journey (none: null).'"""
    workspace_id = profile.workspace.workspace_id
    ids = (goal.goal_id, impression["source_id"], profile.profile_id, impression["journey_id"])
    of_the_impression = ("received_at", "outcome", "is_first", "is_first_of_journey")
    enrollment = {name: value for name, value in impression.items() if name not in of_the_impression}
    version, enrolled_at = impression["_version"], impression["received_at"]
    return enrollment | {
        "enrollment_id": surrogate_key(workspace_id, *ids),
        "enrolled_at": enrolled_at,
        "window_ends_at": window_end(
            version.definition.measurement_window_days, enrolled_at, profile.workspace
        ),
        "converted_at": None,
        "achievement_id": None,
        "seconds_to_convert": None,
        "_achievement": None,
    }


def window_end(days: int | None, enrolled_at: datetime, workspace: Workspace) -> datetime | None:
    """'0 ends at the last microsecond of that calendar day in the workspace; null has no end.'"""
    if days is None:
        return None
    return end_of_local_day(enrolled_at, workspace.time_zone) if days == 0 else add_days(enrolled_at, days)


def convert(enrollment: dict, achievements: list[dict], profile: Profile) -> None:
    """'It converts at the first achievement of that goal and profile inside the window that satisfies
    `trigger_match`'"""
    journey = profile.journey_of(enrollment)
    for achievement in achievements:
        moment, end = achievement["achieved_at"], enrollment["window_ends_at"]
        is_inside = enrollment["enrolled_at"] <= moment and (end is None or moment <= end)
        if is_inside and satisfies_trigger_match(achievement, journey):
            enrollment |= {
                "converted_at": moment,
                "achievement_id": achievement["achievement_id"],
                "seconds_to_convert": seconds_between(enrollment["enrolled_at"], moment),
                "_achievement": achievement,
            }
            return


def satisfies_trigger_match(achievement: dict, journey: dict | None) -> bool:
    """'the achievement's version; values compare as two properties; no journey landed: no match'"""
    conditions = achievement["_version"].definition.trigger_match
    if not conditions:
        return True
    if journey is None:
        return False
    return all(
        compare_properties(
            condition["op"],
            look_up(achievement["_event"]["properties"], condition["event_property"]),
            look_up(journey["trigger_properties"], condition["trigger_property"]),
        )
        for condition in conditions
    )


def conversion(enrollment: dict) -> dict:
    """'`fct_conversions`: the converted enrollments'"""
    left_out = ("window_ends_at", "seconds_to_convert")
    row = {name: value for name, value in enrollment.items() if name not in left_out}
    impact = {name: enrollment["_achievement"][name] for name in ("impact_value", "impact_currency")}
    return without_private(row | impact)


# ---- 8. touches and attribution ----------------------------------------------------------------------------


@dataclass
class Candidate:
    delivery: dict
    metric: str
    touch_at: datetime | None = None  # the latest at or before the achievement
    qualifies: bool = False


def find_candidates(goal: Goal, profile: Profile, achievement: dict) -> list[Candidate]:
    """'candidates are the received deliveries with `sent_at <= a` to that profile from sources listed in `v`
    (and counting under the policy)'; 'First filter by criterion, then take the newest, then test the
    window.'"""
    version, achieved_at = achievement["_version"], achievement["achieved_at"]
    candidates = []
    for delivery in profile.deliveries:
        if (
            delivery["source_id"] in version.definition.sources
            and is_received(version, profile, delivery)
            and delivery["sent_at"] <= achieved_at
            and counts_under_policy(version, profile, delivery)
        ):
            metric = version.definition.criteria.get(delivery["channel"], "sent")
            times = touch_times(goal, version, profile, delivery, metric)
            touch_at = max((time for time in times if time <= achieved_at), default=None)
            qualifies = touch_at is not None and is_in_attribution_window(
                version, profile, touch_at, achieved_at
            )
            candidates.append(Candidate(delivery, metric, touch_at, qualifies))
    return candidates


def touch_times(
    goal: Goal, version: Version, profile: Profile, delivery: dict, metric: str
) -> list[datetime]:
    """'`sent_at` where its channel's criterion is `sent`, else each engagement of exactly that metric
    (machine ones only if counted; it may lie before `sent_at`). A touch time before the goal's start or
    `data_start_at` is none'"""
    if metric == "sent":
        times = [delivery["sent_at"]]
    else:
        times = [
            row["occurred_at"]
            for row in profile.engagements_of(delivery)
            if row["metric"] == metric
            and (version.definition.count_machine or metric not in MACHINE_METRICS or not row["is_machine"])
        ]
    starts = [start for start in (goal.start, profile.workspace.data_start_at) if start is not None]
    return [time for time in times if all(time >= start for start in starts)]


def is_in_attribution_window(
    version: Version, profile: Profile, touch_at: datetime, achieved_at: datetime
) -> bool:
    """'it qualifies when `a - t <= window_days × 24 h` (0: same calendar day in the workspace)'"""
    days = version.definition.attribution_window_days
    if days == 0:
        zone = profile.workspace.time_zone
        return local_day(touch_at, zone) == local_day(achieved_at, zone)
    return achieved_at - touch_at <= timedelta(days=days)


def find_touches(goal: Goal, profile: Profile, achievement: dict, candidates: list[Candidate]) -> list[dict]:
    """'one row per achievement and qualifying delivery, numbered by (touch_at, sent_at, delivery_id), with
    the credit under each attribution model'"""
    qualifying = [candidate for candidate in candidates if candidate.qualifies]
    qualifying.sort(key=lambda c: (c.touch_at, c.delivery["sent_at"], c.delivery["delivery_id"]))
    ages = [achievement["achieved_at"] - candidate.touch_at for candidate in qualifying]
    credits = {name: model(ages) for name, model in CREDIT_MODELS.items()}
    return [
        {
            "workspace_id": profile.workspace.workspace_id,
            "goal_id": goal.goal_id,
            "goal_version": achievement["goal_version"],
            "profile_id": profile.profile_id,
            **of_delivery(candidate.delivery),
            "achievement_id": achievement["achievement_id"],
            "achieved_at": achievement["achieved_at"],
            "touch_metric": candidate.metric,
            "touch_at": candidate.touch_at,
            "touch_number": number,
            "touches": len(qualifying),
            **{f"credit_{name}": credits[name][number - 1] for name in CREDIT_MODELS},
            "_delivery": candidate.delivery,
        }
        for number, candidate in enumerate(qualifying, start=1)
    ]


def with_remainder_last(shares: list[Decimal]) -> list[Decimal]:
    """'DECIMAL(18,12), rounded half up, the remainder to the last touch: the credits of one achievement sum
    to exactly 1 in every model.'"""
    rounded = [share.quantize(TWELVE_DECIMALS, ROUND_HALF_UP) for share in shares[:-1]]
    return [*rounded, (1 - sum(rounded, Decimal(0))).quantize(TWELVE_DECIMALS)] if shares else []


def first_credit(ages: list[timedelta]) -> list[Decimal]:
    return with_remainder_last([Decimal(place == 0) for place in range(len(ages))])


def last_credit(ages: list[timedelta]) -> list[Decimal]:
    return with_remainder_last([Decimal(place == len(ages) - 1) for place in range(len(ages))])


def linear_credit(ages: list[timedelta]) -> list[Decimal]:
    return with_remainder_last([1 / Decimal(len(ages)) for _ in ages])


def position_credit(ages: list[timedelta]) -> list[Decimal]:
    """'40 first, 40 last, 20 over the middle in equal parts; one touch 1, two 50/50'"""
    if len(ages) <= 2:
        return linear_credit(ages)
    middle = [(1 - POSITION_FIRST - POSITION_LAST) / (len(ages) - 2)] * (len(ages) - 2)
    return with_remainder_last([POSITION_FIRST, *middle, POSITION_LAST])


def time_decay_credit(ages: list[timedelta]) -> list[Decimal]:
    """'half-life 7 days: weight 2^(−(a−t)/7 d), normalised'"""
    weights = [2.0 ** -(age / HALF_LIFE) for age in ages]
    return with_remainder_last([Decimal(weight / sum(weights)) for weight in weights])


CREDIT_MODELS: dict[str, Callable[[list[timedelta]], list[Decimal]]] = {
    "first": first_credit,
    "last": last_credit,
    "linear": linear_credit,
    "position": position_credit,
    "time_decay": time_decay_credit,
}


def attribute(
    goal: Goal, profile: Profile, achievement: dict, candidates: list[Candidate], touches: list[dict]
) -> dict:
    """'one row per achievement: the last touch (greatest touch_at, then sent_at, then delivery_id), or
    unattributed with a reason'"""
    last = touches[-1] if touches else None
    return {
        "workspace_id": profile.workspace.workspace_id,
        "goal_id": goal.goal_id,
        "goal_version": achievement["goal_version"],
        "profile_id": profile.profile_id,
        **of_delivery(last),
        "achievement_id": achievement["achievement_id"],
        "is_attributed": last is not None,
        "touch_metric": last and last["touch_metric"],
        "touch_at": last and last["touch_at"],
        "unattributed_reason": None if last else unattributed_reason(achievement["achieved_at"], candidates),
        "achieved_at": achievement["achieved_at"],
        "is_first": achievement["is_first"],
        "impact_value": achievement["impact_value"],
    }


def unattributed_reason(achieved_at: datetime, candidates: list[Candidate]) -> str:
    """'over candidates with `a − sent_at <= 90 × 24 h`: `no_delivery` (there is none),
    `no_qualifying_metric`, `outside_window`'"""
    horizon = timedelta(days=REASON_HORIZON_DAYS)
    recent = [candidate for candidate in candidates if achieved_at - candidate.delivery["sent_at"] <= horizon]
    if not recent:
        return "no_delivery"
    return "outside_window" if any(candidate.touch_at for candidate in recent) else "no_qualifying_metric"


def credit_within_sources(
    profile: Profile, achievement: dict, touches: list[dict]
) -> list[tuple[dict, dict]]:
    """'for each achievement, each source's last touch among deliveries whose journey satisfies
    `trigger_match`. A profile-only target credits nothing to a delivery whose journey's profile (no journey:
    the profile at `sent_at`) already was in the goal state when it entered; the credit does not pass to an
    older delivery.'"""
    last_of_source = {}
    for touch in touches:
        if satisfies_trigger_match(achievement, profile.journey_of(touch)):
            last_of_source[touch["source_id"]] = touch
    version = achievement["_version"]
    credited = []
    for touch in last_of_source.values():
        journey = profile.journey_of(touch)
        entered_at = journey["entered_at"] if journey else touch["_delivery"]["sent_at"]
        was_there = version.definition.is_profile_only and is_goal_state(
            version, profile.state_at(entered_at)
        )
        if not was_there:
            credited.append((touch, achievement))
    return credited


def count_delivery_conversions(credited: list[tuple[dict, dict]]) -> list[dict]:
    """'one row per goal and delivery credited within its own source … first_converted_at, achievements'"""
    achieved: dict[str, list[datetime]] = defaultdict(list)
    touch_of = {}
    for touch, achievement in credited:
        achieved[touch["delivery_id"]].append(achievement["achieved_at"])
        touch_of[touch["delivery_id"]] = touch
    return [
        {
            **{name: touch_of[delivery_id][name] for name in ("workspace_id", "goal_id", "profile_id")},
            **of_delivery(touch_of[delivery_id]),
            "first_converted_at": min(times),
            "last_converted_at": max(times),
            "achievements": len(times),
        }
        for delivery_id, times in achieved.items()
    ]
