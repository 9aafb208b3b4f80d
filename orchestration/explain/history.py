"""The data of an explanation.

Belongs here: its shape, as plain data, and the order of its entries. Does not: reading it (reading.py),
its words (words.py).
"""

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal


@dataclass(frozen=True)
class Version:
    """What the goal requires from `moment` on. With a reason_code: a change that was refused."""

    moment: datetime
    version_number: int | None
    status: str
    definition_policy: str
    valid_from: datetime | None
    valid_to: datetime | None
    reason_code: str | None
    problem: str | None
    asks: tuple[str, ...]

    @property
    def is_for_all_time(self) -> bool:
        """Is this the newest version of a retroactive goal?"""
        return self.valid_from is None and self.reason_code is None


@dataclass(frozen=True)
class Reading:
    """A property that a filter reads: JSON pointer, and value as JSON text (None: missing)."""

    pointer: str
    value: str | None


@dataclass(frozen=True)
class Engagement:
    metric: str
    occurred_at: datetime
    is_machine: bool


@dataclass(frozen=True)
class NonConversion:
    """Why an enrollment did not convert; if an achievement is in its window, also what was compared."""

    achievement_number: int | None
    reason: str
    event: tuple[Reading, ...]
    journey: tuple[Reading, ...]


@dataclass(frozen=True)
class Enrollment:
    window_ends_at: datetime | None
    is_open: bool
    converted_at: datetime | None
    achievement_number: int | None
    seconds_to_convert: Decimal | None
    non_conversions: tuple[NonConversion, ...]


@dataclass(frozen=True, kw_only=True)
class Delivery:
    """A message of a source that the goal lists: an impression and its outcome, or the reason why it is
    none."""

    moment: datetime | None
    delivery_id: str
    source_id: str
    source_name: str | None
    journey_id: str | None
    message_id: str | None
    channel: str
    sent_at: datetime | None
    credited_achievements: int
    engagements: tuple[Engagement, ...]
    # no impression
    reason: str | None = None
    entered_at: datetime | None = None
    attached_at: datetime | None = None
    # an impression
    outcome: str | None = None
    decided_by: str | None = None
    transition: str | None = None
    state_observed_at: datetime | None = None
    state: tuple[Reading, ...] = ()
    enrolled_by: str | None = None
    enrolled_at: datetime | None = None
    enrollment: Enrollment | None = None


@dataclass(frozen=True)
class NonTouch:
    occurred_at: datetime
    reason: str


@dataclass(frozen=True, kw_only=True)
class Candidate:
    """A delivery that could get the credit; verdict: credited, not_last, outside_window or no_touch."""

    delivery_id: str
    source_id: str
    source_name: str | None
    channel: str
    sent_at: datetime
    touch_metric: str
    touch_at: datetime | None
    window_days: int
    verdict: str
    credits: dict[str, Decimal]
    non_touches: tuple[NonTouch, ...]


@dataclass(frozen=True, kw_only=True)
class Achievement:
    moment: datetime
    achievement_number: int
    kind: str
    impact_value: Decimal | None
    impact_currency: str | None
    unattributed_reason: str | None
    credited_delivery_id: str | None
    converted_deliveries: tuple[str, ...]
    candidates: tuple[Candidate, ...]
    # what was done
    natural_key: str | None = None
    transition: str | None = None
    event_name: str | None = None
    occurred_at: datetime | None = None
    received_at: datetime | None = None
    message_metric: str | None = None
    message_delivery_id: str | None = None
    facts: tuple[Reading, ...] = ()


@dataclass(frozen=True, kw_only=True)
class NonAchievement:
    """An event with a name that the goal targets, but not an achievement. For a row that could not be staged
    (reason: quarantined), only what landed is known."""

    moment: datetime | None
    event_id: str | None
    event_name: str | None
    reason: str
    occurred_at: datetime | None = None
    received_at: datetime | None = None
    asked_name: str | None = None
    # the filter: its conditions (int_filters.predicate), which of them the event meets, and what they read
    predicate: str | None = None
    conditions_met: tuple[bool, ...] = ()
    event: tuple[Reading, ...] = ()
    # the profile part
    profile_filter: str | None = None
    transition: str | None = None
    state: tuple[Reading, ...] = ()
    state_observed_at: datetime | None = None
    # the evaluation window
    evaluation_window_days: int | None = None
    evaluation_event_name: str | None = None
    anchored_at: datetime | None = None
    # quarantined
    reason_code: str | None = None
    problem: str | None = None
    path: str | None = None
    row_number: int | None = None


@dataclass(frozen=True)
class OtherEvents:
    """Events with a name that no version of the goal targets; `is_near`: the name is similar to a targeted
    one."""

    name: str
    events: int
    is_near: bool


Entry = Version | Delivery | Achievement | NonAchievement


@dataclass(frozen=True, kw_only=True)
class Explanation:
    workspace_id: str
    time_zone: str
    goal_id: str
    goal_name: str | None
    profile_id: str
    as_of: datetime
    versions: tuple[Version, ...]
    deliveries: tuple[Delivery, ...]
    achievements: tuple[Achievement, ...]
    non_achievements: tuple[NonAchievement, ...]
    other_events: tuple[OtherEvents, ...]
    other_sources: dict[str | None, int]  # messages by source that no row of the goal lists
    not_told: tuple[str, ...]  # what this warehouse has no table for, because an older Goalpost built it

    @property
    def timeline(self) -> list[Entry]:
        """All entries, oldest first. Versions for all time come before the rest, messages that were never
        sent come last. At the same moment: versions, messages, achievements, then events that are no
        achievement."""

        def place(entry: Entry) -> datetime:
            is_for_all_time = isinstance(entry, Version) and entry.is_for_all_time
            return datetime.min if is_for_all_time else entry.moment or datetime.max

        entries = (*self.versions, *self.deliveries, *self.achievements, *self.non_achievements)
        return sorted(entries, key=place)
