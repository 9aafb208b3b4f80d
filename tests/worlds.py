"""Small random worlds full of edge cases, as landing data: what a seed makes, how it is written to files, how
a failing one is reduced.

Belongs here: making rows and files. Does not: what they mean (reference/). A seeded generator makes a world;
hypothesis does not draw it value by value: that is a hundred times faster, worlds of many seeds can share one
run (workspaces do not mix), and dropping rows (`smallest`) makes a better example than shrinking draws.
"""

import csv
import gzip
import io
import json
import random
import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta
from functools import partial
from pathlib import Path
from zoneinfo import ZoneInfo

import pyarrow
import pyarrow.parquet
from hypothesis import strategies
from reference import TABLES, LandedRow
from reference.reading import Column
from reference.values import read_time

Row = dict[str, str | None]  # texts; a row that is None is a record that cannot be read (`bad_row`)

FORMATS = ("jsonl", "jsonl.gz", "csv", "csv.gz", "parquet")
EARLY = datetime(2024, 1, 1)
# The difficult instant of each zone's calendar, all within the same five weeks, in UTC.
CLOCK_CHANGES = {
    "America/New_York": datetime(2024, 3, 10, 7),  # an hour less
    "Europe/Berlin": datetime(2024, 3, 31, 1),  # an hour less
    "America/Santiago": datetime(2024, 4, 7, 3),  # at midnight back to 23:00
    "Australia/Lord_Howe": datetime(2024, 4, 6, 15),  # back by half an hour
    "Asia/Beirut": datetime(2024, 3, 30, 22),  # a day without midnight
    "Asia/Kathmandu": datetime(2024, 3, 31, 18, 15),  # never; a midnight at +05:45
    "UTC": datetime(2024, 3, 31),
}
# How many days from such an instant: for first rows (messages, entries), and for later rows (events, states).
BEFORE, AFTER = (-7, -2, -1, -1, 0, 0, 0, 1, 2), (-2, -1, 0, 0, 1, 1, 2, 7, 7, 8, 14, 30, 90)
MICROSECONDS = (0, 0, 0, 0, 0, 0, -1, 1)

QUOTES = ("o'neil", 'say "hi"', "1; drop table x --", "a\\b", "{{ ref('x') }}")
NASTY = (*QUOTES, "ünï 😀", "%s", "null", " x ", "\x7f")
PROFILES = (*("p1",) * 4, "p2", "p2", "p'3", "7")
EVENTS = ("purchase", "purchase", "visit", "si'gn\"up")
OTHER_CHANNELS = ("sms", "sms", "push", "webhook", "webhook", "slack", "attribute_update", "pigeon")
CHANNELS = (*("email",) * 8, *OTHER_CHANNELS)
OTHER_METRICS = ("bounced", "unsubscribed", "converted")
METRICS = (*("sent",) * 3, *("delivered",) * 4, *("opened",) * 5, *("clicked",) * 3, *OTHER_METRICS)
TARGET_METRICS = ("sent", "delivered", "opened", "opened", "clicked")
TARGET_KINDS = (*("profile",) * 2, *("event",) * 3, "message", "profile event", "message profile")
PLANS = ("free", "paid")
COURSES = (7, "7", "7.0", "b", None, True)
CURRENCIES = ("USD", "usd", "EUR", "Eur", "USD ", "", None, 5, True, ["USD"])
SPELLINGS = {"true": ("TRUE", "True", "t", "T", "1"), "false": ("False", "f", "F", "0")}
AHEAD = ("2031-05-01", "2999-12-31T23:59:59Z")  # the times that a wrong device clock may show
TOTALS = (9.99, "9.99", 10, 0.0000005, -1.0000005, "x", 999999999999.9999999, True)
NASTY_KEY = "we\"ird'; key"
POINTERS = ("/nested/a~1b", "/nested/m~0n", "/tags/0")
KEYS = (*("plan",) * 6, *("score",) * 2, "tags", "when", NASTY_KEY, *POINTERS)
TEXTS_OF_NUMBERS, TEXTS_OF_TIMES = ("9.99", "10", "10.0", "1e1"), ("2024-03-31", "2024-03-10T08:00+01")
SCALARS = ("", "paid", "free", "pa", "Paid", "true", *TEXTS_OF_NUMBERS, *TEXTS_OF_TIMES)
NUMBERS = (10, 9.99, 10.0, 0, -1, 9007199254740993, 1710054000, 1711846800.000001)
ORDERINGS = ("gt", "gte", "lt", "lte")


@dataclass
class World:
    tables: dict[str, list[Row | None]]
    name: str = ""

    def __repr__(self) -> str:
        return f"World({self.name})"

    @property
    def size(self) -> int:
        return sum(map(len, self.tables.values()))


def world(seed: int, changes: bool = True) -> World:
    """One world: two workspaces in different zones. The same seed always makes the same rows. Without
    `changes`, people have snapshots only."""
    dice = random.Random(seed)
    tables: dict[str, list[Row | None]] = {name: [] for name in TABLES}
    names = (f"{seed} {dice.choice(NASTY)}", f"{seed}")
    for name, zone in zip(names, dice.sample(sorted(CLOCK_CHANGES), 2), strict=True):
        Maker(dice, tables, name, zone).make()
    if not changes:
        tables["profile_changes"] = []
    return World(tables, name=f"seed {seed}")


def worlds() -> strategies.SearchStrategy[World]:
    """Worlds for a property-based test: one per drawn seed."""
    return strategies.integers(0, 2**32 - 1).map(world)


def as_of(seed: int) -> datetime:
    """A clock amid the facts of most worlds, about half the time on an edge."""
    dice = random.Random(seed)
    zone = dice.choice(sorted(CLOCK_CHANGES))
    days, microseconds = dice.choice((2, 7, 8, 14, 30, 90)), dice.choice(MICROSECONDS)
    return dice.choice(instants(zone)) + timedelta(days, microseconds=microseconds)


def merged(several: Iterable[World]) -> World:
    """Worlds that share one run; worlds of different seeds have different workspaces."""
    several = list(several)
    tables = {name: [row for each in several for row in each.tables[name]] for name in TABLES}
    return World(tables, name=", ".join(each.name for each in several))


def instants(zone: str) -> list[datetime]:
    """The moments near a clock change; all times are whole days away from one, or a microsecond more or
    less."""
    change = CLOCK_CHANGES[zone]
    day = change.replace(tzinfo=UTC).astimezone(ZoneInfo(zone)).date()
    midnights = [datetime.combine(each, time(), ZoneInfo(zone)) for each in (day, day + timedelta(days=1))]
    in_utc = [midnight.astimezone(UTC).replace(tzinfo=None) for midnight in midnights]
    return [change, *in_utc, change + timedelta(hours=5)]


# ---- making one workspace ----------------------------------------------------------------------------------


class Maker:
    """Makes the rows of one workspace from few distinct values, so that ties and edges are common."""

    def __init__(self, dice: random.Random, tables: dict, workspace_id: str, zone: str):
        self.dice, self.tables, self.workspace_id, self.zone = dice, tables, workspace_id, zone
        self.instants = instants(zone)
        self.sources = ("c1", "c2", self.pick("b1", *NASTY))
        self.segments = ("s1", "s2", f"s{self.pick(*NASTY)}")
        self.goals = tuple(f"g{number}{self.pick('', *NASTY)}" for number in range(dice.randint(2, 4)))
        self.experiments = ("x", "x", f"y{self.pick(*NASTY)}", f"holdout:{self.sources[0]}")
        self.journeys: list[Row] = []
        self.deliveries: list[Row] = []
        self.marks: list[datetime] = []  # of entries, sends and engagements: what windows begin and end at

    def make(self) -> None:
        self.make_workspace()
        self.repeat(2, 6, self.make_journey)
        self.repeat(5, 16, self.make_delivery)
        self.repeat(6, 24, self.make_engagement)
        self.repeat(5, 14, self.make_snapshot)
        self.repeat(0, 14, self.make_change)
        self.repeat(5, 16, self.make_event)
        for source_id in self.sources:
            self.repeat(0, 2, partial(self.make_source, source_id))
        for segment_id in self.segments:
            self.repeat(0, 2, partial(self.make_segment, segment_id))
        for goal_id in self.goals:
            self.make_goal(goal_id)
        self.repeat(0, 2, self.make_funnel)
        self.repeat(0, 10, self.make_holdout)
        self.repeat(0, 2, self.make_experiment)
        if self.chance(0.35):
            self.make_crowd(self.pick(10, 16, 24))
        self.correct_some()
        self.repeat_some_events()
        self.spell_booleans()
        if self.chance(0.4):
            self.add_faults()

    def repeat(self, fewest: int, most: int, make: Callable[[int], None]) -> None:
        for number in range(self.dice.randint(fewest, most)):
            make(number)

    def add(self, table: str, **columns: str | None) -> Row:
        absent = {column.name: None for column in TABLES[table].others}
        row = {"workspace_id": self.workspace_id, **absent, **columns}
        self.tables[table].append(row)
        return row

    # -- draws

    def pick(self, *options):
        return self.dice.choice(options)

    def chance(self, probability: float) -> bool:
        return self.dice.random() < probability

    def moment(self, days: tuple[int, ...] = AFTER) -> datetime:
        return self.pick(*self.instants) + timedelta(self.pick(*days), microseconds=self.pick(*MICROSECONDS))

    def time(self, days: tuple[int, ...] = AFTER) -> str:
        return self.spell(self.moment(days))

    def near(self, mark: datetime) -> datetime:
        """At the mark, or on the edge of a window from it."""
        days = self.pick(0, 0, 0, 0, 1, 2, 7, 7, 8, 14, 90)
        return mark + timedelta(days, microseconds=self.pick(*MICROSECONDS))

    def time_near_a_mark(self) -> str:
        return self.spell(self.near(self.pick(*self.marks)) if self.chance(0.65) else self.moment())

    def start(self) -> str:
        """When a definition begins: mostly before everything, so that there is something to count."""
        return self.spell(EARLY if self.chance(0.7) else self.moment(BEFORE))

    def spell(self, moment: datetime) -> str:
        """One of the ways to write a moment."""
        hours = self.pick(0, 0, 0, 2, -5)
        signed = f"{'-' if hours < 0 else '+'}{abs(hours):02d}"
        zone = self.pick(signed, f"{signed}00", f"{signed}:00") if hours else self.pick("Z", "", "+00:00")
        text = (moment + timedelta(hours=hours)).isoformat(sep=self.pick("T", " "))
        if hours == 0 and moment.time() == time() and self.chance(0.5):
            return text[:10]
        if moment.second == moment.microsecond == 0 and self.chance(0.3):
            return text[:16] + zone
        return (text + "9" if moment.microsecond else text) + zone  # a seventh decimal is cut

    def value(self):
        draw = self.dice.random()
        if draw < 0.35:
            return self.pick(*PLANS)
        if draw < 0.6:
            return self.pick(*SCALARS)
        if draw < 0.85:
            return self.pick(*NUMBERS)
        return self.pick(True, False, None, ["paid", 10, None], [], {"a": 1}, *NASTY)

    def properties(self) -> str | None:
        """JSON text: mostly a plan, so that states change; sometimes no object at all, or one key twice."""
        if self.chance(0.06):
            odd = ("null", '["paid", "free"]', '"{\\"plan\\": \\"paid\\"}"')  # JSON, but no object
            return self.pick(None, None, *odd, *('{"plan": "paid", "plan": "free"}', " \n{ } ") * 2)
        properties: dict = {"plan": self.pick(*PLANS)} if self.chance(0.85) else {}
        for _ in range(self.dice.randint(0, 2)):
            properties[self.pick("score", "when", "tags", NASTY_KEY, "plan")] = self.value()
        if self.chance(0.3):
            properties["tags"] = self.dice.sample(("paid", "free", 10, "10", True), 2)
        if self.chance(0.2):
            properties["nested"] = {"a/b": self.value(), "m~n": self.value()}
        if self.chance(0.4):
            properties["total"] = self.pick(*TOTALS)
        if self.chance(0.3):
            properties["currency"] = self.pick(*CURRENCIES)
        if self.chance(0.6):
            properties["course"] = self.pick(*COURSES)
        return self.json(properties)

    def json(self, value) -> str:
        separators = self.pick((",", ":"), (", ", ": "))
        return json.dumps(value, ensure_ascii=self.chance(0.5), separators=separators)

    def filter(self, in_event: bool = False, depth: int = 0) -> dict:
        draw = self.dice.random()
        if draw < 0.4:
            op, value = self.pick(("eq", "paid"), ("eq", "free"), ("neq", "paid"), ("in", ["paid", 10]))
            return {"property": "plan", "op": op, "value": value}
        if draw < 0.65:
            return {"segment": self.pick(*self.segments, "unknown")}
        if draw < 0.75 and depth < 2:
            combinator = self.pick("all", "any", "not")
            parts = [self.filter(in_event, depth + 1) for _ in range(self.pick(1, 0, 2, 2))]
            return {combinator: (parts or [{"any": []}])[0] if combinator == "not" else parts}
        return self.condition(in_event)

    def condition(self, in_event: bool) -> dict:
        is_of_person = in_event and self.chance(0.3)
        condition = {"profile" if is_of_person else "property": self.pick(*KEYS, *("total",) * in_event)}
        literal = self.pick(*PLANS, *SCALARS, *NUMBERS, True, False)
        draw = self.dice.random()
        if draw < 0.1:
            return condition | {"op": self.pick("exists", "not_exists")}
        if in_event and not is_of_person and draw < 0.35:
            return condition | {
                "op": self.pick("eq", "neq", *ORDERINGS),
                "value": {"profile": self.pick(*KEYS)},
            }
        if draw < 0.5:
            return condition | {
                "op": self.pick("in", "not_in"),
                "value": self.pick([literal, "paid"], [literal], []),
            }
        if draw < 0.75 and not isinstance(literal, bool):
            return condition | {"op": self.pick(*ORDERINGS), "value": literal}
        if draw < 0.85:
            return condition | {
                "op": self.pick("starts_with", "ends_with"),
                "value": self.pick("pa", "d", ""),
            }
        return condition | {"op": self.pick("eq", "eq", "neq", "contains", "not_contains"), "value": literal}

    # -- rows

    def make_workspace(self) -> None:
        if self.chance(0.9):
            self.add(
                "workspaces",
                name="A \n name",
                time_zone=self.pick("Amsterdam", "EST9") if self.chance(0.08) else self.zone,
                currency=self.pick(None, "EUR"),
                data_start_at=self.time(BEFORE) if self.chance(0.25) else None,
            )

    def make_snapshot(self, _: int) -> None:
        self.add(
            "profile_snapshots",
            profile_id=self.pick(*PROFILES),
            observed_at=self.time(BEFORE) if self.chance(0.5) else self.time_near_a_mark(),
            properties=self.properties(),
            is_deleted="true" if self.chance(0.08) else None,
        )

    def make_change(self, number: int) -> None:
        """Mostly at another moment than a snapshot. A key may be set to null."""
        same_moment = [row["observed_at"] for row in self.own_rows("profile_snapshots")]
        properties = self.pick(
            self.properties(),
            self.json({self.pick("plan", "score", "nested"): None}),
            self.json({self.pick("plan", "score", "when", "tags"): self.value()}),
        )
        self.add(
            "profile_changes",
            profile_id=self.pick(*PROFILES),
            changed_at=self.pick(self.time_near_a_mark(), self.time(BEFORE), *same_moment[:1]),
            change_id=self.pick("a", "b", f"{number}"),
            properties=properties,
            is_deleted="true" if self.chance(0.08) else None,
        )

    def make_event(self, number: int) -> None:
        self.add(
            "events",
            event_id=f"e{number}",
            profile_id=self.pick(*PROFILES),
            name=self.pick(*EVENTS),
            properties=self.properties(),
            **self.clocks(),
        )

    def clocks(self) -> dict[str, str | None]:
        """When an event occurred and was received, in any order: devices' clocks run ahead."""
        if self.chance(0.6):
            return {"occurred_at": self.time_near_a_mark(), "received_at": None}
        occurred_at = self.pick(*AHEAD) if self.chance(0.15) else self.time_near_a_mark()
        return {"occurred_at": occurred_at, "received_at": self.time_near_a_mark()}

    def make_source(self, source_id: str, _: int) -> None:
        self.add(
            "sources",
            source_id=source_id,
            updated_at=self.start(),
            source_type=self.pick("campaign", "broadcast"),
            name=self.pick(*NASTY),
            status=self.pick("draft", "active", "active", "stopped", "archived", "deleted"),
            trigger_filter=self.json(self.filter()) if self.chance(0.8) else None,
            exit_condition=self.pick(None, "never", "goal", "unmatched", "unmatched", "goal_or_unmatched"),
            exit_goal_id=self.pick(*self.goals, *self.goals, None, "unknown"),
        )

    def make_segment(self, segment_id: str, number: int) -> None:
        name, filter = self.pick(*NASTY), self.json(self.filter())
        updated_at = self.time_near_a_mark() if number else self.start()
        self.add("segments", segment_id=segment_id, updated_at=updated_at, name=name, filter=filter)

    def make_journey(self, number: int) -> None:
        entered_at = self.moment(BEFORE)
        row = self.add(
            "journeys",
            journey_id=f"j{number}",
            source_id=self.pick(*self.sources),
            profile_id=self.pick(*PROFILES),
            entered_at=self.spell(entered_at),
            finished_at=self.spell(self.near(entered_at)) if self.chance(0.3) else None,
            trigger_properties=self.pick(
                None, *(self.json({"course": course}) for course in (7, "7.0", "b"))
            ),
        )
        self.journeys.append(row)
        self.marks.append(entered_at)

    def make_delivery(self, number: int) -> None:
        """Mostly of a journey and its person; sometimes of another person's journey, of none, or of one that
        never landed."""
        journey = self.pick(*self.journeys) if self.chance(0.6) else {}
        owner = journey["profile_id"] if journey and self.chance(0.9) else self.pick(*PROFILES)
        is_anonymous = self.pick(*(None,) * 12, "true", "false")
        sent_at = self.pick(self.moment(BEFORE), self.moment(BEFORE), self.near(self.pick(*self.marks)))
        sent_at = sent_at if self.chance(0.8) else None
        row = self.add(
            "deliveries",
            delivery_id=f"d{number}",
            profile_id=None if is_anonymous == "true" and self.chance(0.5) else owner,
            source_type=self.pick(*("campaign",) * 6, *("broadcast",) * 3, "transactional"),
            source_id=journey.get("source_id") or self.pick(*self.sources, *self.sources, None),
            journey_id=journey.get("journey_id") or self.pick(None, None, None, "unknown"),
            message_id=self.pick("m1", "m2", None),
            channel=self.pick(*CHANNELS),
            sent_at=sent_at and self.spell(sent_at),
            is_anonymous=is_anonymous,
            is_holdout="true" if self.chance(0.08) else None,
        )
        self.deliveries.append(row)
        self.marks += [sent_at] * 3 if sent_at else []

    def make_engagement(self, number: int) -> None:
        occurred_at = self.marks[-1] if self.chance(0.3) else self.near(self.pick(*self.marks))
        self.marks.append(occurred_at)
        self.add(
            "engagements",
            engagement_id=f"n{number}",
            delivery_id="not landed" if self.chance(0.03) else self.pick(*self.deliveries)["delivery_id"],
            metric=self.pick(*METRICS),
            occurred_at=self.spell(occurred_at),
            url="https://example.com/?a=1&b=2" if self.chance(0.2) else None,
            is_machine=self.pick(None, None, None, "false", "true"),
        )

    def make_goal(self, goal_id: str) -> None:
        """A first row, then edits of its core, its sources, its status and the rest."""
        definition = self.definition()
        self.add("goals", goal_id=goal_id, updated_at=self.start(), definition=self.json(definition))
        for _ in range(self.pick(0, 0, 1, 1, 2, 3)):
            definition = self.edited(definition)
            self.add(
                "goals", goal_id=goal_id, updated_at=self.time_near_a_mark(), definition=self.json(definition)
            )

    def definition(self) -> dict:
        target = self.target()
        definition = {
            "name": self.pick(*NASTY),
            "definition_policy": self.pick(
                None, "locked", "versioned", "versioned", "retroactive", "retroactive"
            ),
            "target": target,
            "measurement_window_days": self.pick(0, 1, 2, 7, 7, 14.0, 90, 90, None),
            "sources": self.dice.sample(self.sources, self.pick(1, 2, 3, 3, 3)),
            "attribution": self.attribution(),
        }
        if self.chance(0.2):
            definition["eligibility"] = self.filter()
        if self.chance(0.15):
            after = {"event": self.pick(*EVENTS)} if self.chance(0.6) else "first_seen"
            definition["evaluation_window"] = {"after": after, "days": self.pick(0, 1, 7, 14)}
        if self.chance(0.3):
            definition["impression"] = self.pick("delivered", "delivered", "sent")
        if self.chance(0.5):
            definition["impact"] = self.impact(target)
        if self.chance(0.2):
            definition |= {"description": "Ünknown keys\n", "tags": ["a", 'b"'], "color": "red"}
        return definition

    def target(self) -> dict:
        kind = self.pick(*TARGET_KINDS)
        target: dict = {}
        if "profile" in kind:
            target["profile"] = self.filter()
            if self.chance(0.3):
                target["transition"] = self.pick("leave", "leave", "enter")
        if "event" in kind:
            target["event"] = {
                "name": self.pick(*EVENTS[:3]),
                "clock": self.pick(None, "received", "occurred"),
            }
            if self.chance(0.4):
                target["event"]["filter"] = self.filter(in_event=True)
            if self.chance(0.3):
                match = {"event_property": "course", "trigger_property": "course"}
                target["trigger_match"] = [match | self.pick({}, {"op": "eq"}, {"op": "neq"}, {"op": "gte"})]
        if "message" in kind:
            target["message"] = {
                "metric": self.pick(*TARGET_METRICS),
                "source_id": self.pick(None, None, None, *self.sources),
                "channel": self.pick(None, None, "email"),
                "count_machine": self.pick(None, False, True),
            }
        return target

    def attribution(self) -> dict | None:
        if self.chance(0.2):
            return None
        return {
            "window_days": self.pick(0, 1, 7, 7, 8, 90, 90, None),
            "criteria": {
                channel: self.pick(*TARGET_METRICS) for channel in ("email", "sms") if self.chance(0.5)
            },
            "count_machine": self.pick(None, True, False),
            "webhook_message_ids": self.pick(None, [], ["m1"], ["m1", "m2"]),
        }

    def impact(self, target: dict) -> dict:
        currency = self.pick(*({},) * 8, {"currency": "EUR"}, {"currency": None})
        if "event" in target and self.chance(0.5):
            name = self.pick("currency", "currency", "/currency", "plan", None)
            currency = currency | {"currency_property": name}
        if "event" in target and self.chance(0.7):
            return currency | {"event_property": self.pick("total", "total", "/total", "score")}
        return currency | {"value": self.pick(49.00, 0, 0.1, 0.0000005, 1e13)}

    def edited(self, definition: dict) -> dict:
        other = self.definition() | {"definition_policy": definition["definition_policy"]}
        draw = self.dice.random()
        if draw < 0.3:
            return definition | {"sources": self.dice.sample(self.sources, self.pick(0, 1, 2, 3))}
        if draw < 0.55:
            return definition | {"status": self.pick("active", "active", "archived", "archived", "deleted")}
        if draw < 0.75:
            kept = {key: definition[key] for key in ("impact", "status") if key in definition}
            reads_event = {"event_property", "currency_property"} & kept.get("impact", {}).keys()
            is_possible = not reads_event or "event" in other["target"]
            return other | kept if is_possible else definition
        if draw < 0.85:
            return definition | {"measurement_window_days": other["measurement_window_days"]}
        if draw < 0.95:
            return definition | {"attribution": other["attribution"], "impression": other.get("impression")}
        return definition | {"definition_policy": self.pick("locked", "versioned", "retroactive")}

    def make_funnel(self, number: int) -> None:
        steps = (*self.goals, *self.goals, 7, 8.0)
        self.add(
            "funnels",
            funnel_id=f"f{number}",
            updated_at=self.start(),
            name=self.pick(*NASTY),
            goal_ids=self.json([self.pick(*steps) for _ in range(self.pick(1, 2, 2, 3))]),
            window_days=self.pick(None, "0", "1", "7", "90"),
        )

    def make_holdout(self, _: int) -> None:
        """A few people of one experiment or another; sometimes one person in both arms."""
        columns = {
            "experiment_id": self.pick(*self.experiments),
            "profile_id": self.pick(*PROFILES[3:], "p4", "p5", "p6"),
            "source_id": self.pick(*self.sources, None),
            "assigned_at": self.time(BEFORE) if self.chance(0.6) else self.time_near_a_mark(),
            "expected_control_share": self.pick(None, "0.5", "1e-1", "0.50"),
        }
        for arm in ("treatment", "control") if self.chance(0.07) else (self.pick("treatment", "control"),):
            self.add("holdouts", arm=arm, sequence=self.pick(None, None, "0", "1"), **columns)

    def make_experiment(self, _: int) -> None:
        goal_ids = [self.pick(*self.goals, *self.goals, "unknown", 7) for _ in range(self.pick(0, 1, 2, 3))]
        self.add(
            "experiments",
            experiment_id=self.pick(*self.experiments, f"holdout:{self.pick(*self.sources)}"),
            updated_at=self.start(),
            name=self.pick(None, *NASTY),
            source_id=self.pick(None, None, *self.sources, "unknown"),
            goal_ids=self.json(goal_ids) if self.chance(0.6) else None,
            expected_control_share=self.pick(None, "0.5", "0.25"),
            covariate=self.pick(None, "score", "score", "plan", "/nested/m~0n", "/tags/0", NASTY_KEY),
            alpha=self.pick(None, None, "0.05", "0.1", "1e-2"),
        )

    def make_crowd(self, people: int) -> None:
        """Enough people in one experiment for its statistics: some buy or pay, before or after they are
        assigned; the dearer their score, the more."""
        assigned_at, experiment_id = self.moment(BEFORE), self.pick(*self.experiments)
        covariate = self.pick("score", "score", "plan", "/nested/a~1b")
        goal_ids = self.pick(None, self.json([*self.goals]))
        columns = {"source_id": self.sources[0], "goal_ids": goal_ids, "covariate": covariate}
        self.add(
            "experiments", experiment_id=experiment_id, updated_at=self.spell(EARLY), alpha="0.1", **columns
        )
        for number in range(people):
            person = f"q{number}"
            own = {"profile_id": person, "source_id": self.pick(*self.sources)}
            if experiment_id.startswith("holdout:"):
                is_holdout = self.pick("true", "true", None)
                kind = {"source_type": "campaign", "channel": "email", "is_holdout": is_holdout}
                own["source_id"] = self.sources[0]
                self.add(
                    "deliveries",
                    delivery_id=person,
                    sent_at=self.spell(self.near(assigned_at)),
                    **kind,
                    **own,
                )
            else:
                self.add(
                    "holdouts",
                    experiment_id=experiment_id,
                    arm=self.pick("treatment", "control"),
                    assigned_at=self.spell(self.near(assigned_at)),
                    expected_control_share="0.3",
                    **own,
                )
            score = self.pick(1, 2, 5, 9.99, "10", "1e1", "x")
            for plan in self.pick((), ("free",), ("free", "paid")):
                observed_at = self.spell(self.pick(assigned_at - timedelta(1), self.near(assigned_at)))
                properties = {"score": score, "plan": plan, "nested": {"a/b": number}}
                self.add(
                    "profile_snapshots",
                    profile_id=person,
                    observed_at=observed_at,
                    properties=self.json(properties),
                )
            if self.chance(0.3):
                self.add(
                    "profile_changes",
                    profile_id=person,
                    changed_at=self.spell(self.near(assigned_at)),
                    change_id="c",
                    properties=self.json({self.pick("score", "plan"): self.pick(3, None)}),
                )
            for event in range(self.pick(0, 0, 1, 2)):
                occurred_at = self.pick(
                    assigned_at - timedelta(1), *(self.near(assigned_at) for _ in range(4))
                )
                self.add(
                    "events",
                    event_id=f"{person} {event}",
                    profile_id=person,
                    name=self.pick(*EVENTS[:3]),
                    properties=self.json({"total": self.pick(*TOTALS, score), "course": 7}),
                    occurred_at=self.spell(occurred_at),
                )

    # -- corrections and faults

    def correct_some(self) -> None:
        """Duplicates and corrections: the same key again, with columns of another row and any sequence."""
        for name in self.tables:
            own = self.own_rows(name)
            for row in self.dice.sample(own, min(len(own), self.pick(0, 0, 0, 1, 1, 2))):
                donor = self.pick(*(other for other in own if other.get("goal_id") == row.get("goal_id")))
                changed = {
                    column.name: donor[column.name] for column in TABLES[name].others if self.chance(0.3)
                }
                corrected = row | changed
                if name == "deliveries" and corrected["is_anonymous"] != "true":
                    corrected["profile_id"] = corrected["profile_id"] or PROFILES[0]
                self.tables[name].append(
                    corrected | {"sequence": self.pick(None, "0", "0", "1", "1", "2", "-1")}
                )

    def repeat_some_events(self) -> None:
        """At-least-once delivery: the same event again, with another receipt or none."""
        for row in self.own_rows("events"):
            if self.chance(0.2):
                again = {"received_at": self.pick(None, self.time_near_a_mark(), self.time_near_a_mark())}
                self.tables["events"].append(row | again | {"sequence": self.pick(None, None, "1", "-1")})

    def spell_booleans(self) -> None:
        for name, table in TABLES.items():
            booleans = [column.name for column in table.columns if column.type == "boolean"]
            for row in self.own_rows(name):
                for column in booleans:
                    if row.get(column) in SPELLINGS and self.chance(0.4):
                        row[column] = self.pick(*SPELLINGS[row[column]])

    def add_faults(self) -> None:
        """One or two rows that cannot be staged; whatever their sequence, they never beat a row that can."""
        for _ in range(self.dice.randint(1, 2)):
            name, changes = self.pick(*FAULTS[self.pick(*FAULTS)])
            if changes is None:
                self.tables[name].append(None)
            elif own := self.own_rows(name):
                self.tables[name].append(self.pick(*own) | {"sequence": "9"} | changes)

    def own_rows(self, table: str) -> list[Row]:
        return [row for row in self.tables[table] if row and row["workspace_id"] == self.workspace_id]


VISIT = {"event": {"name": "visit"}}
PLAN = {"property": "plan"}
FAULTY_FILTERS = (
    None,
    5,
    {},
    PLAN,
    PLAN | {"op": "like", "value": "p"},
    PLAN | {"op": "eq"},
    PLAN | {"op": "eq", "value": None},
    PLAN | {"op": "eq", "value": ["paid"]},
    PLAN | {"op": "gt", "value": True},
    PLAN | {"op": "in", "value": "paid"},
    PLAN | {"op": "in", "value": [None]},
    PLAN | {"op": "eq", "value": {"profile": "plan"}},
    PLAN | {"profile": "plan", "op": "exists"},
    {"profile": "plan", "op": "exists"},
    {"property": 1, "op": "exists"},
    {"segment": None},
    {"all": {"segment": "s1"}},
    {"any": [{"not": {}}]},
)


def fault(table: str, **changes: str | None) -> tuple[str, dict[str, str | None]]:
    return table, changes


def faulty_definition(**keys) -> tuple[str, dict[str, str | None]]:
    definition = {"measurement_window_days": 7, "target": VISIT} | keys
    return fault("goals", definition=json.dumps(definition))


# By reason code, so that each is equally likely. No changes: a record that cannot be read.
FAULTS: dict[str, tuple[tuple[str, dict[str, str | None] | None], ...]] = {
    "bad_row": (*((table, None) for table in TABLES),),
    "missing_key": (
        fault("events", name=None),
        fault("events", profile_id=""),
        fault("deliveries", profile_id=None, is_anonymous="false"),
        fault("deliveries", channel=None, source_type="nonsense"),
        fault("goals", definition=None),
        fault("workspaces", workspace_id=None),
    ),
    "bad_key": (
        fault("deliveries", message_id="a\x01b"),
        fault("journeys", journey_id="a\nb"),
        fault("sources", exit_goal_id="a\x1fb", updated_at="yesterday"),
    ),
    "bad_timestamp": (
        *(
            fault("events", occurred_at=text)
            for text in ("1710054000", "2024-02-30", "2024-3-1", "2024-03-10 10")
        ),
        *(
            fault("journeys", finished_at=f"2024-03-10T{text}")
            for text in ("24:00:00Z", "10:00:00z", "10:00+25:00")
        ),
        fault("workspaces", data_start_at="10/03/2024"),
    ),
    "bad_json": (
        *(
            fault("events", properties=text)
            for text in ("{'plan': 'paid'}", '{"score": NaN}', '{"a": 01}', "{} {}", "[{}]", "7", '"{}"')
        ),
        fault("goals", definition="{"),
        fault("journeys", trigger_properties="\ufeff{}"),
    ),
    "bad_enum": (
        fault("workspaces", time_zone="Mars/Olympus"),
        fault("deliveries", source_type="newsletter"),
        fault("deliveries", is_holdout="yes"),
        fault("engagements", metric="Opened"),
        *(fault("engagements", is_machine=text) for text in ("yes", "2", "1.0", " t")),
        *(fault("events", sequence=text) for text in ("1.0", "9223372036854775808", "+1", " 1")),
        fault("sources", exit_condition="always"),
        fault("funnels", window_days="seven"),
        *(fault("holdouts", expected_control_share=text) for text in ("half", "0", "1", "-0.5", "1e-400")),
        *(fault("experiments", alpha=text) for text in ("0", "1.0", "5%")),
    ),
    "bad_filter": (
        *(fault("segments", filter=json.dumps(filter)) for filter in FAULTY_FILTERS),
        *(fault("sources", trigger_filter=json.dumps(filter)) for filter in FAULTY_FILTERS),
        *(faulty_definition(eligibility=filter) for filter in FAULTY_FILTERS if filter is not None),
        faulty_definition(
            target={"event": {"name": "visit", "filter": PLAN | {"op": "starts_with", "value": 1}}}
        ),
        faulty_definition(eligibility=PLAN | {"op": "like", "value": "p"}, measurement_window_days=91),
    ),
    "bad_definition": (
        *(
            faulty_definition(target=target)
            for target in (
                {},
                None,
                VISIT | {"message": {"metric": "sent"}},
                {"message": {"metric": "bounced"}},
                {"event": {}},
                VISIT | {"transition": "stay"},
            )
        ),
        *(faulty_definition(measurement_window_days=days) for days in (91, -1, 1.5, True, "7")),
        *(
            faulty_definition(attribution=value)
            for value in ({"window_days": 91}, {"criteria": {"sms": "bounced"}}, [])
        ),
        *(faulty_definition(evaluation_window={"after": "first_seen"} | days) for days in ({"days": -1}, {})),
        faulty_definition(evaluation_window={"after": "visit", "days": 1}),
        faulty_definition(status="paused"),
        faulty_definition(sources="c1"),
        faulty_definition(target={"message": {"metric": "opened"}}, impact={"event_property": "total"}),
        faulty_definition(
            target={"message": {"metric": "opened"}}, impact={"value": 1, "currency_property": "c"}
        ),
        fault("goals", definition='{"target": {"event": {"name": "visit"}}}'),
        fault("goals", definition="[]"),
        *(fault("funnels", goal_ids=text) for text in ('["g0", 1.5]', '["g0", true]', '[["g0"]]', "7")),
        fault("funnels", goal_ids='{"0": "g0"}'),
        *(fault("experiments", goal_ids=text) for text in ('["g0", 1.5]', "null", '"g0"')),
    ),
    "future_timestamp": (
        fault("events", occurred_at="2999-01-01", received_at=None),
        fault("events", received_at="2999-01-01"),
        fault("profile_snapshots", observed_at="2999-01-01T00:00:00Z"),
        fault("profile_changes", changed_at="2999-01-01T00:00:00Z"),
        fault("goals", updated_at="2999-01-01"),
    ),
}


# ---- writing -----------------------------------------------------------------------------------------------


def write(
    world: World,
    folder: Path,
    files_per_table: int = 1,
    formats: tuple[str, ...] = ("jsonl",),
    loaded_at: datetime | None = None,
    seed: int = 0,
) -> list[LandedRow]:
    """Writes the rows, shuffled, to files in the formats; returns the rows as the reference takes them, with
    paths relative to the folder. `loaded_at` matters only for rows in the future."""
    dice = random.Random(seed)
    loaded_at = loaded_at or datetime.now(UTC).replace(tzinfo=None)
    landed: list[LandedRow] = []
    for table, rows in world.tables.items():
        rows = dice.sample(rows, len(rows))
        for number in range(files_per_table):
            part, format = rows[number::files_per_table], dice.choice(formats)
            if not part:
                continue
            if format == "parquet" and None in part:
                format = "jsonl"  # Parquet has no record that cannot be read
            path = Path(table) / dice.choice((".", f"{number}", "day=1/x")) / f"{number}.{format}"
            (folder / path).parent.mkdir(parents=True, exist_ok=True)
            content, row_numbers = CONTENTS[format.removesuffix(".gz")](table, part, dice)
            (folder / path).write_bytes(gzip.compress(content) if format.endswith(".gz") else content)
            for row, row_number in zip(part, row_numbers, strict=True):
                landed.append(LandedRow(table, path.as_posix(), row_number, row, loaded_at))
    return sorted(landed, key=lambda row: row.path)  # as they load: of exact duplicates the first is valid


def jsonl(table: str, rows: list[Row | None], dice: random.Random) -> tuple[bytes, list[int]]:
    """Values as text or as JSON values; nulls as null, as empty text or omitted; empty lines
    between."""
    lines: list[str] = []
    row_numbers = []
    for row in rows:
        if dice.random() < 0.05:
            lines.append("")
        lines.append(
            dice.choice(("[1]", '"x"', '{"a": ', "null")) if row is None else jsonl_line(table, row, dice)
        )
        row_numbers.append(len(lines))
    return "\n".join(lines).encode() + dice.choice((b"", b"\n")), row_numbers


def jsonl_line(table: str, row: Row, dice: random.Random) -> str:
    parts = []
    for column in TABLES[table].columns:
        text = row.get(column.name)
        if not text:
            written = dice.choice((None, "null", '""'))
        elif dice.random() < 0.6 and is_native(column, text):
            written = text
        else:
            written = json.dumps(text, ensure_ascii=dice.random() < 0.5)
        if written is not None:
            parts.append(f"{json.dumps(column.name)}:{written}")
    if dice.random() < 0.1:
        parts.append('"an_unknown_column":{"a":[1]}')
    return "{" + dice.choice((",", " , ")).join(dice.sample(parts, len(parts))) + "}"


def is_native(column: Column, text: str) -> bool:
    """Whether JSON can hold exactly this value. For JSON columns: compact objects (others would not land as
    written) without exponents (each writer spells these in its own way)."""
    if column.type == "boolean":
        return text in ("true", "false", "1", "0")
    if column.type == "integer" or column.name == "profile_id":
        return text in ("0", "1", "2", "7", "-1", "9")
    return column.type in ("json", "object") and text == compact(text) and not re.search(r"\de[-+]?\d", text)


def compact(text: str) -> str | None:
    try:
        value = json.loads(text, parse_constant=lambda _: None)
    except ValueError:
        return None
    return json.dumps(value, ensure_ascii=False, separators=(",", ":")) if isinstance(value, dict) else None


def csv_file(table: str, rows: list[Row | None], dice: random.Random) -> tuple[bytes, list[int]]:
    """A header in any order; a record that cannot be read has a field too many."""
    columns = dice.sample([column.name for column in TABLES[table].columns], len(TABLES[table].columns))
    header = [*columns, *dice.choice(([], [], ["an_unknown_column"]))]
    text = io.StringIO()
    writer = csv.writer(text, lineterminator=dice.choice(("\n", "\r\n")))
    writer.writerow(header)
    for row in rows:
        if row is None:
            writer.writerow(["x"] * (len(header) + dice.choice((1, -1))))
        else:
            writer.writerow(
                [row.get(column) or "" for column in columns] + ["?"] * (len(header) - len(columns))
            )
    return text.getvalue().encode(), list(range(1, len(rows) + 1))


def parquet(table: str, rows: list[Row | None], dice: random.Random) -> tuple[bytes, list[int]]:
    """Text columns, or, if every value allows it, timestamps, booleans and integers."""
    arrays = {}
    for column in TABLES[table].columns:
        texts = [(row or {}).get(column.name) or None for row in rows]
        arrays[column.name] = pyarrow.array(texts, pyarrow.string())
        reader = {"time": read_time, "boolean": {"true": True, "false": False}.get, "integer": int}.get(
            column.type
        )
        if reader and dice.random() < 0.5:
            values = [None if text is None else read_or_none(reader, text) for text in texts]
            if all((text is None) == (value is None) for text, value in zip(texts, values, strict=True)):
                time_type = pyarrow.timestamp("us", dice.choice((None, "UTC")))
                types = {"time": time_type, "boolean": pyarrow.bool_(), "integer": pyarrow.int64()}
                arrays[column.name] = pyarrow.array(values, types[column.type])
    buffer = io.BytesIO()
    pyarrow.parquet.write_table(pyarrow.table(arrays), buffer)
    return buffer.getvalue(), list(range(1, len(rows) + 1))


def read_or_none(reader: Callable, text: str):
    try:
        value = reader(text)
    except ValueError:
        return None
    return None if isinstance(value, int) and not -(2**63) <= value < 2**63 else value


CONTENTS = {"jsonl": jsonl, "csv": csv_file, "parquet": parquet}


# ---- cutting down ------------------------------------------------------------------------------------------


def smallest(world: World, fails: Callable[[World], bool], runs: int = 200) -> World:
    """Drops rows, first many and then one by one, as long as the world still fails: this leaves a small,
    readable failure."""
    rows = [(table, row) for table, of_table in world.tables.items() for row in of_table]
    size = len(rows) // 2
    while size and runs:
        for start in range(0, len(rows), size):
            fewer = rows[:start] + rows[start + size :]
            runs -= 1
            if runs <= 0:
                break
            if fails(of_rows(fewer, world.name)):
                rows = fewer
                break
        else:
            size //= 2
    return of_rows(rows, world.name)


def of_rows(rows: list[tuple[str, Row | None]], name: str) -> World:
    tables: dict[str, list[Row | None]] = {table: [] for table in TABLES}
    for table, row in rows:
        tables[table].append(row)
    return World(tables, name)
