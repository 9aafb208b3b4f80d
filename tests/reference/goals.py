"""Section 4: what a goal definition says, and which of its rows are versions.

Belongs here: validation, defaults, the core, acceptance, locking, policies, pins. Does not: what a version
counts (facts.py).
"""

# SEMANTICS is quoted as it is written.
# ruff: noqa: RUF002

import hashlib
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal

from .filters import OPS_OF_TWO_PROPERTIES, Segments, read_filter
from .values import Number, as_impact, compact_json

ATTRIBUTABLE_CHANNELS = {"email", "sms", "push", "in_app", "whatsapp"}
METRICS_OF_A_TARGET = ("sent", "delivered", "opened", "clicked")


class BadDefinition(ValueError):
    """The definition says something that section 4 does not allow."""


# ---- one definition ----------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Impact:
    currency: str | None
    value: Decimal | None
    event_property: str | None
    currency_property: str | None


@dataclass(frozen=True)
class Definition:
    name: str | None
    description: str | None
    tags: list[str]
    status: str
    definition_policy: str
    eligibility: dict | None
    profile: dict | None
    transition: str | None
    event: dict | None
    trigger_match: list[dict]
    message: dict | None
    evaluation_window: dict | None
    measurement_window_days: int | None
    sources: list[str]
    impression: str
    attribution_window_days: int
    criteria: dict[str, str]
    count_machine: bool
    webhook_message_ids: list[str]
    impact: Impact | None
    core: str

    @property
    def is_profile_only(self) -> bool:
        return self.event is None and self.message is None

    @property
    def hash(self) -> str:
        """'`definition_hash` is over the core as written, defaults filled in, keys sorted.'"""
        return hashlib.md5(self.core.encode()).hexdigest()

    def can_send(self, delivery: dict) -> bool:
        """'A delivery is *sendable* if `sent_at` is not null, it is neither anonymous nor a holdout trap, its
        source type is campaign or broadcast, and its channel is attributable … webhook only for the goal's
        opted-in message ids'"""
        return is_sendable(delivery, self.webhook_message_ids)


def is_sendable(delivery: dict, webhook_message_ids: list[str]) -> bool:
    """'email, sms, push, in_app, whatsapp yes; webhook only for the goal's opted-in message ids; slack,
    attribute_update, event_create and unknown channels no'"""
    is_attributable = delivery["channel"] in ATTRIBUTABLE_CHANNELS or (
        delivery["channel"] == "webhook" and delivery["message_id"] in webhook_message_ids
    )
    return (
        delivery["sent_at"] is not None
        and not delivery["is_anonymous"]
        and not delivery["is_holdout"]
        and delivery["source_type"] in ("campaign", "broadcast")
        and is_attributable
    )


def read_definition(value) -> Definition:
    """Raises BadFilter for 'a definition with an invalid filter inside', else BadDefinition for any other
    fault."""
    if not isinstance(value, dict):
        raise BadDefinition("a definition is a JSON object")
    filters = read_filters(value)
    target = part(value, "target", dict, required=True)
    event = read_event(part(target, "event", dict), filters["event"])
    message = read_message(part(target, "message", dict))
    if filters["profile"] is None and event is None and message is None:
        raise BadDefinition("a target has at least one part")
    if event is not None and message is not None:
        raise BadDefinition("event and message exclude each other")
    transition = choice(target, "transition", ("enter", "leave"), "enter")
    trigger_match = read_trigger_match(target, event)
    evaluation_window = read_evaluation_window(part(value, "evaluation_window", dict))
    if "measurement_window_days" not in value:
        raise BadDefinition("measurement_window_days is required")
    measurement_window_days = whole(value, "measurement_window_days", None, 90)
    attribution = part(value, "attribution", dict) or {}
    criteria = part(attribution, "criteria", dict) or {}
    core = {
        "eligibility": filters["eligibility"],
        "profile": filters["profile"],
        "transition": None if filters["profile"] is None else transition,
        "event": event,
        "trigger_match": trigger_match,
        "message": message,
        "evaluation_window": evaluation_window,
        "measurement_window_days": measurement_window_days,
    }
    return Definition(
        name=part(value, "name", str),
        description=part(value, "description", str),
        tags=texts(value, "tags"),
        status=choice(value, "status", ("active", "archived", "deleted"), "active"),
        definition_policy=choice(
            value, "definition_policy", ("locked", "versioned", "retroactive"), "locked"
        ),
        sources=texts(value, "sources"),
        impression=choice(value, "impression", ("sent", "delivered"), "sent"),
        attribution_window_days=whole(attribution, "window_days", 7, 90),
        criteria={channel: choice(criteria, channel, METRICS_OF_A_TARGET, "sent") for channel in criteria},
        count_machine=flag(attribution, "count_machine"),
        webhook_message_ids=texts(attribution, "webhook_message_ids"),
        impact=read_impact(part(value, "impact", dict), event),
        core=compact_json(core),
        **core,
    )


def read_filters(value: dict) -> dict[str, dict | None]:
    """'`bad_filter`, also inside a definition': the three places where a definition holds a filter."""
    target = value.get("target")
    target = target if isinstance(target, dict) else {}
    event = target.get("event")
    event = event if isinstance(event, dict) else {}
    places = {
        "eligibility": (value.get("eligibility"), False),
        "profile": (target.get("profile"), False),
        "event": (event.get("filter"), True),
    }
    return {
        name: None if filter is None else read_filter(filter, in_event)
        for name, (filter, in_event) in places.items()
    }


def read_event(event: dict | None, filter: dict | None) -> dict | None:
    """'event: {name: purchase, filter: …, clock: received}  # received (default) | occurred'"""
    if event is None:
        return None
    return {
        "name": part(event, "name", str, required=True),
        "filter": filter,
        "clock": choice(event, "clock", ("received", "occurred"), "received"),
    }


def read_message(message: dict | None) -> dict | None:
    """'message: … all but metric optional; sent|delivered|opened|clicked'"""
    if message is None:
        return None
    return {
        "metric": choice(message, "metric", METRICS_OF_A_TARGET, None),
        "source_id": part(message, "source_id", str),
        "channel": part(message, "channel", str),
        "count_machine": flag(message, "count_machine"),
    }


def read_trigger_match(target: dict, event: dict | None) -> list[dict]:
    """'trigger_match: [{event_property: course_id, op: eq, trigger_property: course_id}]   # optional, with
    event; op default eq'"""
    matches = part(target, "trigger_match", list) or []
    if event is None and target.get("trigger_match") is not None:
        raise BadDefinition("trigger_match needs an event part")
    if not all(isinstance(match, dict) for match in matches):
        raise BadDefinition("trigger_match is a list of objects")
    return [
        {
            "event_property": part(match, "event_property", str, required=True),
            "op": choice(match, "op", OPS_OF_TWO_PROPERTIES, "eq"),
            "trigger_property": part(match, "trigger_property", str, required=True),
        }
        for match in matches
    ]


def read_evaluation_window(window: dict | None) -> dict | None:
    """'after: {event: name} | first_seen; days a whole number ≥ 0'. Normal form: event null is first_seen."""
    if window is None:
        return None
    after = window.get("after")
    if after != "first_seen" and not isinstance(after, dict):
        raise BadDefinition("after is first_seen or names an event")
    event = None if after == "first_seen" else part(after, "event", str, required=True)
    days = whole(window, "days", None, None)
    if days is None:
        raise BadDefinition("an evaluation window has days")
    return {"event": event, "days": days}


def read_impact(impact: dict | None, event: dict | None) -> Impact | None:
    """'{currency: USD, value: 49.00}, or {currency: USD, event_property: total, currency_property: …}';
    '`impact.event_property` and `impact.currency_property` need an event part'"""
    if impact is None:
        return None
    value, event_property = part(impact, "value", Number), part(impact, "event_property", str)
    if (value is None) == (event_property is None):
        raise BadDefinition("an impact has a value or an event_property")
    currency_property = part(impact, "currency_property", str)
    if (event_property is not None or currency_property is not None) and event is None:
        raise BadDefinition("impact.event_property and impact.currency_property need an event part")
    return Impact(part(impact, "currency", str), as_impact(value), event_property, currency_property)


def part(owner: dict, key: str, kind: type, required: bool = False):
    """A key's value of the wanted type; a null optional key counts as absent."""
    value = owner.get(key)
    if value is None and not required:
        return None
    if not isinstance(value, kind):
        raise BadDefinition(f"{key} is a {kind.__name__}")
    return value


def choice(owner: dict, key: str, allowed: tuple[str, ...], default: str | None) -> str:
    value = owner.get(key)
    value = default if value is None else value
    if value not in allowed:
        raise BadDefinition(f"{key} is one of {', '.join(allowed)}")
    return value


def flag(owner: dict, key: str) -> bool:
    return bool(part(owner, key, bool))


def texts(owner: dict, key: str) -> list[str]:
    values = part(owner, key, list) or []
    if not all(isinstance(value, str) for value in values):
        raise BadDefinition(f"{key} is a list of text")
    return values


def whole(owner: dict, key: str, default: int | None, highest: int | None) -> int | None:
    """'0–90'; 'a whole number ≥ 0'"""
    number = part(owner, key, Number)
    if number is None:
        return default
    value = Decimal(number.text)
    if value != value.to_integral_value() or value < 0 or (highest is not None and value > highest):
        raise BadDefinition(f"{key} is a whole number in its range")
    return int(value)


# ---- a goal and its versions -------------------------------------------------------------------------------


@dataclass
class Version:
    """One accepted row, and the interval in which it decides."""

    row: dict
    number: int
    definition: Definition
    segments: Segments
    valid_from: datetime | None  # None: from the beginning
    valid_to: datetime | None = None  # exclusive; None: no end
    counts_until: datetime | None = None  # exclusive; None: as long as it is in force
    counts_at_all: bool = True
    attached_since: dict[str, datetime] = field(default_factory=dict)  # empty: the policy does not use them

    @property
    def goal_version(self) -> datetime:
        """'`goal_version` is the row's `updated_at`'"""
        return self.row["updated_at"]

    def is_in_force(self, at: datetime) -> bool:
        """'A version is in force from its `updated_at` until the next version's.'"""
        return (self.valid_from is None or self.valid_from <= at) and (
            self.valid_to is None or at < self.valid_to
        )

    def counts(self, at: datetime) -> bool:
        """'Archived: stops counting from the archiving row on'"""
        return self.counts_at_all and (self.counts_until is None or at < self.counts_until)


@dataclass
class Goal:
    workspace_id: str
    goal_id: str
    accepted: list[dict]  # rows by updated_at
    currency: str
    versions: list[Version]  # those that decide: one per accepted row; of a retroactive goal the newest alone
    first_sent_at: datetime | None
    refused: list[tuple[dict, str]]

    @property
    def newest(self) -> Definition:
        return self.accepted[-1]["definition"]

    @property
    def policy(self) -> str:
        return self.newest.definition_policy

    @property
    def is_deleted(self) -> bool:
        """'Deleted: the goal and its facts leave every mart; a later row brings it back.'"""
        return self.newest.status == "deleted"

    @property
    def start(self) -> datetime | None:
        """'A goal's *start* is its first row's `updated_at` (`retroactive`: none).'"""
        return None if self.policy == "retroactive" else self.accepted[0]["updated_at"]

    def is_locked(self, as_of: datetime) -> bool:
        """'`is_locked`: the policy is `locked` and the first send is at or before `as_of`.'"""
        return self.policy == "locked" and self.first_sent_at is not None and self.first_sent_at <= as_of

    def version_in_force(self, at: datetime) -> Version | None:
        return next((version for version in self.versions if version.is_in_force(at)), None)

    def judge(self, moment_under: Callable[[Definition], datetime | None]) -> tuple[Version, datetime] | None:
        """'An event, engagement, snapshot or delivery counts at most once per goal: under the earliest
        version in whose interval that version's own moment for it lies. That version alone judges it; a
        version whose target has no such part has no moment for it.'"""
        for version in self.versions:
            moment = moment_under(version.definition)
            if moment is not None and version.is_in_force(moment):
                return (version, moment) if version.counts(moment) else None
        return None


def read_goal(
    rows: list[dict], deliveries: list[dict], segments: list[dict], workspace_currency: str
) -> Goal:
    """Computed from one goal's valid rows, its workspace's deliveries and segment rows."""
    accepted, refused = accept(rows, deliveries, workspace_currency)
    newest = accepted[-1]["definition"]
    if newest.definition_policy == "retroactive":
        versions = [retroactive_version(accepted, segments)]
    else:
        versions = successive_versions(accepted, segments)
    first = accepted[0]
    return Goal(
        workspace_id=first["workspace_id"],
        goal_id=first["goal_id"],
        accepted=accepted,
        currency=currency_of(first["definition"], workspace_currency) or workspace_currency,
        versions=versions,
        first_sent_at=first_send(versions, deliveries, before=None),
        refused=refused,
    )


def accept(
    rows: list[dict], deliveries: list[dict], workspace_currency: str
) -> tuple[list[dict], list[tuple[dict, str]]]:
    """'these are judged on the standing rows in the order of `updated_at`'; 'a later row with another [policy
    or currency] is `bad_definition`'; 'A row with a later `updated_at` and another core is quarantined as
    `goal_locked` and the version before it stays in force'"""
    accepted: list[dict] = []
    refused: list[tuple[dict, str]] = []
    for row in sorted(rows, key=lambda row: row["updated_at"]):
        if accepted and is_another_policy_or_currency(row, accepted[0], workspace_currency):
            refused.append((row, "bad_definition"))
        elif accepted and is_locked_against(row, accepted, deliveries):
            refused.append((row, "goal_locked"))
        else:
            accepted.append(row)
    return accepted, refused


def is_another_policy_or_currency(row: dict, first: dict, workspace_currency: str) -> bool:
    """'A goal's policy and currency are those of its first row (without an impact: the workspace's currency);
    … a row without an impact has no other currency.'"""
    goal_currency = currency_of(first["definition"], workspace_currency) or workspace_currency
    row_currency = currency_of(row["definition"], workspace_currency) or goal_currency
    is_another_policy = row["definition"].definition_policy != first["definition"].definition_policy
    return is_another_policy or row_currency != goal_currency


def currency_of(definition: Definition, workspace_currency: str) -> str | None:
    """'currency default the workspace's'"""
    return None if definition.impact is None else definition.impact.currency or workspace_currency


def is_locked_against(row: dict, accepted: list[dict], deliveries: list[dict]) -> bool:
    """'`locked`: the goal locks at its first *send*'"""
    if (
        row["definition"].definition_policy != "locked"
        or row["definition"].core == accepted[-1]["definition"].core
    ):
        return False
    return first_send(successive_versions(accepted, []), deliveries, before=row["updated_at"]) is not None


def first_send(versions: list[Version], deliveries: list[dict], before: datetime | None) -> datetime | None:
    """'the earliest `sent_at` of a sendable delivery (section 7) from a source listed by the version in force
    at that moment, archived or not, before `data_start_at` or not'"""
    sends = [
        delivery["sent_at"]
        for delivery in deliveries
        for version in versions
        if version.definition.can_send(delivery)
        and version.is_in_force(delivery["sent_at"])
        and delivery["source_id"] in version.definition.sources
        and (before is None or delivery["sent_at"] < before)
    ]
    return min(sends, default=None)


def successive_versions(accepted: list[dict], segments: list[dict]) -> list[Version]:
    """'A version pins the segment definitions in force when it begins; one whose core as written equals the
    one before keeps that one's pins.'"""
    versions: list[Version] = []
    for number, row in enumerate(accepted, start=1):
        definition: Definition = row["definition"]
        pins = Segments.in_force(segments, row["updated_at"])
        if versions:
            versions[-1].valid_to = row["updated_at"]
            if versions[-1].definition.core == definition.core:
                pins = versions[-1].segments
        version = Version(row, number, definition, pins, row["updated_at"])
        version.counts_at_all = definition.status == "active"
        if definition.definition_policy == "versioned":
            version.attached_since = attached_since(accepted[:number])
        versions.append(version)
    return versions


def attached_since(rows: list[dict]) -> dict[str, datetime]:
    """'its source was attached, that is, the first row of the unbroken run of rows that list it'"""
    since = {}
    for source_id in rows[-1]["definition"].sources:
        for row in reversed(rows):
            if source_id not in row["definition"].sources:
                break
            since[source_id] = row["updated_at"]
    return since


def retroactive_version(accepted: list[dict], segments: list[dict]) -> Version:
    """'`retroactive`: the newest row is in force for all time, with the newest segments … Archived: it counts
    until the first row after its last active one; never active, it counts nothing.'"""
    newest = accepted[-1]
    version = Version(newest, len(accepted), newest["definition"], Segments.in_force(segments, None), None)
    active = [place for place, row in enumerate(accepted) if row["definition"].status == "active"]
    version.counts_at_all = bool(active)
    if active and active[-1] + 1 < len(accepted):
        version.counts_until = accepted[active[-1] + 1]["updated_at"]
    return version
