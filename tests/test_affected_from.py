"""Who is affected by new rows, and from when: a case is a sentence, the old rows, the new rows, and
int_affected_profiles after the run.

All cases share one warehouse, each in a workspace of its own, so every case also shows that nobody else is
affected. The defaults are those of the scenarios: the person is ann, the goal `goal` is a purchase and lists
the campaign `welcome`.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import pytest
from increments import broken, unlike_a_full_refresh
from pipeline import Pipeline, manifest
from scenarios import AS_OF, BECOMES_PAID, PAID, Story, condition, moment_text
from worlds import merged, write

from orchestration.settings import DBT_PROJECT

BEGINNING = "0001-01-01"
Line = Callable[[Story], None]  # a line of a story


def line(word: str) -> Callable[..., Line]:
    return lambda *values, **columns: lambda story: getattr(story, word)(*values, **columns)


workspace, goal, segment, source = line("workspace"), line("goal"), line("segment"), line("source")
snapshot, change, event = line("snapshot"), line("change"), line("event")
journey, delivery = line("journey"), line("delivery")
engagement, row = line("engagement"), line("land")


def holdout(person: str = "ann", arm: str = "control", **columns) -> Line:
    columns = {"experiment_id": "x", "profile_id": person, "arm": arm, "assigned_at": "2024-02-01"} | columns
    return row("holdouts", **columns)


def trapped(delivery_id: str, person: str, **columns) -> Line:
    return delivery(delivery_id, "2024-02-01", person=person, is_holdout=True, **columns)


def funnel() -> Line:
    return row("funnels", funnel_id="f", updated_at="2024-01-01", goal_ids=["goal"])


def purchase(at: str, person: str = "ann", **columns) -> Line:
    """The event e1."""
    columns = {"event_id": "e1", "name": "purchase", "profile_id": person, "occurred_at": at} | columns
    return row("events", **columns)


def opened(at: str, delivery_id: str = "d1", metric: str = "opened", **columns) -> Line:
    """The engagement n1."""
    columns = {
        "engagement_id": "n1",
        "delivery_id": delivery_id,
        "metric": metric,
        "occurred_at": at,
    } | columns
    return row("engagements", **columns)


ANN_AND_BOB: Sequence[Line] = [snapshot("2024-02-01"), snapshot("2024-02-02", person="bob")]


@dataclass(frozen=True)
class Case:
    sentence: str
    kept: Sequence[Line]
    new: Sequence[Line]
    affected: dict[str, str]


CASES = [
    # -- snapshots
    Case(
        "a snapshot affects its person from when it was observed",
        [snapshot("2024-03-01")],
        [snapshot("2024-03-05")],
        {"ann": "2024-03-05"},
    ),
    Case(
        "a late snapshot lies before what is kept",
        [snapshot("2024-03-01")],
        [snapshot("2023-08-01", person="ann")],
        {"ann": "2023-08-01"},
    ),
    Case(
        "a corrected snapshot was observed when it was",
        [snapshot("2024-03-01", plan="free"), snapshot("2024-03-05")],
        [snapshot("2024-03-01", plan="paid")],
        {"ann": "2024-03-01"},
    ),
    Case(
        "of two rows of one person the earlier moment counts",
        [snapshot("2024-03-01")],
        [snapshot("2024-03-05"), event("visit", "2024-03-04"), event("visit", "2024-03-06")],
        {"ann": "2024-03-04"},
    ),
    Case(
        "each person has a moment of their own",
        [],
        [snapshot("2024-03-05"), snapshot("2024-03-04", person="bob")],
        {"ann": "2024-03-05", "bob": "2024-03-04"},
    ),
    # -- changes
    Case(
        "a change affects its person from when it was made, and the changes before it are still laid over",
        [
            goal(target={"profile": {"all": [PAID, condition("eq", 1), condition("eq", 2, of="y")]}}),
            snapshot("2024-02-01", y=2),
            change("2024-03-01", x=1),
        ],
        [change("2024-03-05", plan="paid")],
        {"ann": "2024-03-05"},
    ),
    Case(
        "the first change after snapshots only",
        [goal(target=BECOMES_PAID), *ANN_AND_BOB],
        [change("2024-03-05", plan="paid")],
        {"ann": "2024-03-05"},
    ),
    Case(
        "a late change lies before what is kept",
        [goal(target=BECOMES_PAID), change("2024-03-01", x=1), change("2024-03-05", plan="free")],
        [change("2024-03-03", plan="paid")],
        {"ann": "2024-03-03"},
    ),
    Case(
        "a corrected change was made when it was",
        [goal(target=BECOMES_PAID), change("2024-03-01", plan="free"), change("2024-03-05", x=1)],
        [change("2024-03-01", plan="paid", sequence=1)],
        {"ann": "2024-03-01"},
    ),
    Case(
        "a change decides of what was sent before its journey was entered",
        [
            goal(target=BECOMES_PAID),
            delivery("d1", "2024-03-02", journey_id="j1"),
            journey("j1", "2024-03-10"),
        ],
        [change("2024-03-08", plan="paid")],
        {"ann": "2024-03-02"},
    ),
    # -- events: a goal uses one of two clocks
    Case(
        "an event received later affects from when it occurred",
        [],
        [purchase("2024-03-01", received_at="2024-03-09")],
        {"ann": "2024-03-01"},
    ),
    Case(
        "an event received before it occurred affects from when it was received",
        [],
        [purchase("2024-03-09", received_at="2024-03-01")],
        {"ann": "2024-03-01"},
    ),
    Case(
        "an event corrected to an earlier moment affects from that",
        [purchase("2024-03-05")],
        [purchase("2024-03-02", sequence=1)],
        {"ann": "2024-03-02"},
    ),
    Case(
        "an event corrected to a later moment affects from where it was",
        [purchase("2024-03-05")],
        [purchase("2024-03-08", sequence=1)],
        {"ann": "2024-03-05"},
    ),
    Case(
        "an event corrected to another person affects both, each from its own row",
        [purchase("2024-03-05")],
        [purchase("2024-03-08", person="bob", sequence=1)],
        {"ann": "2024-03-05", "bob": "2024-03-08"},
    ),
    Case(
        "a correction of a correction affects all who ever had the row",
        [purchase("2024-03-05"), purchase("2024-03-06", person="bob", sequence=1)],
        [purchase("2024-03-07", person="eve", sequence=2)],
        {"ann": "2024-03-05", "bob": "2024-03-06", "eve": "2024-03-07"},
    ),
    Case(
        "a duplicate is a row of its key like any other",
        [purchase("2024-03-05")],
        [purchase("2024-03-05")],
        {"ann": "2024-03-05"},
    ),
    Case(
        "an event that is replayed affects from when it occurred, as its first receipt stays",
        [goal(), purchase("2024-03-01", received_at="2024-03-02")],
        [purchase("2024-03-01", received_at="2024-06-01")],
        {"ann": "2024-03-01"},
    ),
    Case(
        "an earlier receipt moves the event, of whosever row it is and whichever stands",
        [goal(), purchase("2024-03-05", received_at="2024-03-09")],
        [purchase("2024-03-08", person="bob", received_at="2024-03-01", sequence=-1)],
        {"ann": "2024-03-01", "bob": "2024-03-01"},
    ),
    Case(
        "a first receipt counts for an event that had none",
        [goal(), purchase("2024-03-05")],
        [purchase("2024-03-04", received_at="2024-03-07", sequence=-1)],
        {"ann": "2024-03-04"},
    ),
    Case(
        "a clock that runs ahead affects from the receipt",
        [goal()],
        [purchase("2031-03-05", received_at="2024-03-01")],
        {"ann": "2024-03-01"},
    ),
    # -- deliveries
    Case(
        "a delivery affects from when it was sent",
        [],
        [delivery("d1", "2024-03-05")],
        {"ann": "2024-03-05"},
    ),
    Case(
        "a delivery whose engagements landed before it affects from the first of them",
        [opened("2024-03-08"), opened("2024-03-04", engagement_id="n2")],
        [delivery("d1", "2024-03-05")],
        {"ann": "2024-03-04"},
    ),
    Case(
        "a delivery that never left affects nobody",
        [snapshot("2024-03-01")],
        [delivery("d1", None)],
        {},
    ),
    Case(
        "a delivery that never left, but was opened, affects from then",
        [opened("2024-03-08")],
        [delivery("d1", None)],
        {"ann": "2024-03-08"},
    ),
    Case(
        "an anonymous delivery affects nobody",
        [],
        [delivery("d1", "2024-03-05", person=None, is_anonymous=True), opened("2024-03-06")],
        {},
    ),
    Case(
        "a delivery corrected to another person affects both",
        [delivery("d1", "2024-03-05"), opened("2024-03-06")],
        [delivery("d1", "2024-03-09", person="bob", sequence=1)],
        {"ann": "2024-03-05", "bob": "2024-03-06"},
    ),
    Case(
        "a delivery sent later than it said affects from where it was",
        [delivery("d1", "2024-03-05")],
        [delivery("d1", "2024-03-09", sequence=1)],
        {"ann": "2024-03-05"},
    ),
    Case(
        "a delivery that is said to be sent later was sent then",
        [goal(), delivery("d1", None), purchase("2024-03-09")],
        [opened("2024-03-07", metric="sent")],
        {"ann": "2024-03-07"},
    ),
    Case(
        "an earlier sent engagement moves the delivery, with all that it was opened for",
        [goal(), delivery("d1", None), opened("2024-03-07", metric="sent"), purchase("2024-03-09")],
        [opened("2024-03-05", metric="sent", engagement_id="n2")],
        {"ann": "2024-03-05"},
    ),
    Case(
        "a sent engagement that is corrected to something else takes the delivery back",
        [goal(), delivery("d1", None), opened("2024-03-07", metric="sent"), purchase("2024-03-09")],
        [opened("2024-03-08", metric="clicked", sequence=1)],
        {"ann": "2024-03-07"},
    ),
    Case(
        "a sent engagement that is corrected to another delivery affects the persons of both",
        [
            goal(),
            delivery("d1", None),
            delivery("d2", None, person="bob"),
            opened("2024-03-07", metric="sent"),
        ],
        [opened("2024-03-08", "d2", metric="sent", sequence=1)],
        {"ann": "2024-03-07", "bob": "2024-03-08"},
    ),
    Case(
        "a delivery that says no more when it was sent goes by its sent engagement",
        [goal(), delivery("d1", "2024-03-09"), opened("2024-03-07", metric="sent")],
        [delivery("d1", None, sequence=1)],
        {"ann": "2024-03-07"},
    ),
    # -- engagements
    Case(
        "an engagement affects its delivery's person from when it occurred",
        [delivery("d1", "2024-03-05")],
        [opened("2024-03-07")],
        {"ann": "2024-03-07"},
    ),
    Case(
        "an engagement may lie before its delivery",
        [delivery("d1", "2024-03-05")],
        [opened("2024-03-02")],
        {"ann": "2024-03-02"},
    ),
    Case(
        "an engagement of a delivery that has not landed affects nobody yet",
        [snapshot("2024-03-01")],
        [opened("2024-03-07")],
        {},
    ),
    Case(
        "an engagement that lands with its delivery affects from the earlier of the two",
        [],
        [delivery("d1", "2024-03-05"), opened("2024-03-04")],
        {"ann": "2024-03-04"},
    ),
    *(
        Case(
            f"a delivery that is {metric} was never received, so it affects from when it was sent",
            [delivery("d1", "2024-03-05")],
            [opened("2024-03-20", metric=metric)],
            {"ann": "2024-03-05"},
        )
        for metric in ("bounced", "failed", "dropped", "undeliverable")
    ),
    Case(
        "a bounce affects from the first engagement, where that lies before the delivery",
        [delivery("d1", "2024-03-05"), opened("2024-03-03", engagement_id="n2")],
        [opened("2024-03-20", metric="bounced")],
        {"ann": "2024-03-03"},
    ),
    Case(
        "a bounce that is corrected to something else brings the delivery back",
        [delivery("d1", "2024-03-05"), opened("2024-03-20", metric="bounced")],
        [opened("2024-03-20", metric="clicked", sequence=1)],
        {"ann": "2024-03-05"},
    ),
    Case(
        "an engagement corrected to another delivery affects the persons of both",
        [delivery("d1", "2024-03-05"), delivery("d2", "2024-03-05", person="bob"), opened("2024-03-07")],
        [opened("2024-03-08", delivery_id="d2", sequence=1)],
        {"ann": "2024-03-07", "bob": "2024-03-08"},
    ),
    # -- journeys
    Case(
        "a journey affects its person from when they entered",
        [],
        [journey("j1", "2024-03-05")],
        {"ann": "2024-03-05"},
    ),
    Case(
        "a journey that lands after its deliveries affects from the first of them",
        [delivery("d1", "2024-03-04", journey_id="j1"), delivery("d2", "2024-03-07", journey_id="j1")],
        [journey("j1", "2024-03-05")],
        {"ann": "2024-03-04"},
    ),
    Case(
        "a journey corrected to another person affects both",
        [journey("j1", "2024-03-05"), delivery("d1", "2024-03-04", journey_id="j1")],
        [journey("j1", "2024-03-06", person="bob", sequence=1)],
        {"ann": "2024-03-04", "bob": "2024-03-06"},
    ),
    Case(
        "a journey that is finished affects from when they entered",
        [journey("j1", "2024-03-05")],
        [journey("j1", "2024-03-05", finished_at="2024-03-20", sequence=1)],
        {"ann": "2024-03-05"},
    ),
    Case(
        "a state on entering decides of what was sent before: a snapshot affects from then",
        [
            goal(target=BECOMES_PAID),
            delivery("d1", "2024-03-02", journey_id="j1"),
            snapshot("2024-03-05", plan="paid"),
            journey("j1", "2024-03-10"),
        ],
        [snapshot("2024-03-08", plan="free")],
        {"ann": "2024-03-02"},
    ),
    Case(
        "a state decides of a journey that was entered at its very moment",
        [
            goal(target=BECOMES_PAID),
            delivery("d1", "2024-03-02", journey_id="j1"),
            journey("j1", "2024-03-08"),
        ],
        [snapshot("2024-03-08", plan="paid")],
        {"ann": "2024-03-02"},
    ),
    Case(
        "a delivery that turns out to be delivered, and is opened, is an impression from then",
        [goal(impression="delivered"), delivery("d1", "2024-03-05")],
        [opened("2024-03-06", metric="delivered"), opened("2024-03-07", engagement_id="n2")],
        {"ann": "2024-03-06"},
    ),
    # -- goals: everybody of the workspace
    Case(
        "a new goal affects everybody from its start",
        ANN_AND_BOB,
        [goal(at="2024-03-01")],
        {"ann": "2024-03-01", "bob": "2024-03-01"},
    ),
    Case(
        "everybody is whoever has a row of any kind",
        [
            snapshot("2024-02-01", person="ann"),
            event("visit", "2024-02-01", person="bob"),
            delivery("d1", "2024-02-01", person="eve"),
            journey("j1", "2024-02-01", person="joe"),
        ],
        [goal(at="2024-03-01")],
        dict.fromkeys(("ann", "bob", "eve", "joe"), "2024-03-01"),
    ),
    Case(
        "a new retroactive goal affects everybody from the beginning",
        ANN_AND_BOB,
        [goal(at="2024-03-01", definition_policy="retroactive")],
        {"ann": BEGINNING, "bob": BEGINNING},
    ),
    Case(
        "another version affects everybody from when it is in force",
        [*ANN_AND_BOB, goal()],
        [goal(at="2024-03-01", target={"event": {"name": "visit"}})],
        {"ann": "2024-03-01", "bob": "2024-03-01"},
    ),
    Case(
        "a version between two others affects from when it is in force",
        [*ANN_AND_BOB, goal(), goal(at="2024-04-01", target=BECOMES_PAID)],
        [goal(at="2024-03-01", target={"event": {"name": "visit"}})],
        {"ann": "2024-03-01", "bob": "2024-03-01"},
    ),
    Case(
        "a corrected version affects from when it is in force, not from when it is corrected",
        [*ANN_AND_BOB, goal(), goal(at="2024-03-01", sources=["welcome", "b1"])],
        [goal(at="2024-03-01", sources=["b1"], sequence=1), snapshot("2024-05-01")],
        {"ann": "2024-03-01", "bob": "2024-03-01"},
    ),
    Case(
        "the newest row of a retroactive goal affects everybody from the beginning",
        [*ANN_AND_BOB, goal(definition_policy="retroactive")],
        [goal(at="2024-03-01", definition_policy="retroactive", sources=["b1"])],
        {"ann": BEGINNING, "bob": BEGINNING},
    ),
    Case(
        "a corrected name affects nobody",
        [*ANN_AND_BOB, goal(name="Old")],
        [goal(name="New", sequence=1)],
        {},
    ),
    Case(
        "a name in a row of its own is another version, from when that is in force",
        [*ANN_AND_BOB, goal(name="Old")],
        [goal(at="2024-03-01", name="New")],
        {"ann": "2024-03-01", "bob": "2024-03-01"},
    ),
    Case(
        "a goal row that says the same affects nobody",
        [*ANN_AND_BOB, goal()],
        [goal(), goal(sequence=1)],
        {},
    ),
    Case(
        "an archived goal affects from when it is archived",
        [*ANN_AND_BOB, goal()],
        [goal(at="2024-03-01", status="archived")],
        {"ann": "2024-03-01", "bob": "2024-03-01"},
    ),
    Case(
        "a deleted goal leaves all marts, so it affects from its start",
        [*ANN_AND_BOB, goal()],
        [goal(at="2024-03-01", status="deleted")],
        {"ann": "2024-01-01", "bob": "2024-01-01"},
    ),
    Case(
        "a deleted goal that comes back affects from its start",
        [*ANN_AND_BOB, goal(), goal(at="2024-03-01", status="deleted")],
        [goal(at="2024-04-01")],
        {"ann": "2024-01-01", "bob": "2024-01-01"},
    ),
    Case(
        "an earlier first row moves the start",
        [*ANN_AND_BOB, goal()],
        [goal(at="2023-12-01")],
        {"ann": "2023-12-01", "bob": "2023-12-01"},
    ),
    Case(
        "an earlier first row of another policy refuses the rows after it",
        [*ANN_AND_BOB, goal(definition_policy="retroactive")],
        [goal(at="2023-12-01")],
        {"ann": BEGINNING, "bob": BEGINNING},
    ),
    Case(
        "a delivery that locks a goal earlier takes a version of it back",
        [*ANN_AND_BOB, goal(), goal(at="2024-03-01", target={"event": {"name": "visit"}})],
        [delivery("d1", "2024-02-15")],
        {"ann": "2024-02-15", "bob": "2024-03-01"},
    ),
    Case(
        "a bounced delivery locks a goal all the same",
        [*ANN_AND_BOB, goal(), goal(at="2024-03-01", target={"event": {"name": "visit"}})],
        [delivery("d1", "2024-02-15", person="bob"), opened("2024-02-16", metric="bounced")],
        {"ann": "2024-03-01", "bob": "2024-02-15"},
    ),
    Case(
        "a delivery that turns out to be a holdout's unlocks the goal",
        [*ANN_AND_BOB, goal(), goal(at="2024-03-01", target=BECOMES_PAID), delivery("d1", "2024-02-15")],
        [delivery("d1", "2024-02-15", is_holdout=True, sequence=1)],
        {"ann": "2024-02-15", "bob": "2024-03-01"},
    ),
    Case(
        "a sent engagement locks a goal earlier",
        [
            *ANN_AND_BOB,
            goal(),
            goal(at="2024-03-01", target={"event": {"name": "visit"}}),
            delivery("d1", None),
        ],
        [opened("2024-02-15", metric="sent")],
        {"ann": "2024-02-15", "bob": "2024-03-01"},
    ),
    Case(
        "a sent engagement that is corrected away unlocks the goal",
        [
            *ANN_AND_BOB,
            goal(),
            goal(at="2024-03-01", target={"event": {"name": "visit"}}),
            delivery("d1", None),
            opened("2024-02-15", metric="sent"),
        ],
        [opened("2024-02-15", metric="opened", sequence=1)],
        {"ann": "2024-02-15", "bob": "2024-03-01"},
    ),
    Case(
        "a delivery that says no more when it was sent locks the goal at its sent engagement",
        [
            *ANN_AND_BOB,
            goal(),
            goal(at="2024-03-01", target={"event": {"name": "visit"}}),
            delivery("d1", "2024-03-15"),
            opened("2024-02-15", metric="sent"),
        ],
        [delivery("d1", None, sequence=1)],
        {"ann": "2024-02-15", "bob": "2024-03-01"},
    ),
    Case(
        "another property that names the currency affects everybody from when it is in force",
        [
            *ANN_AND_BOB,
            goal(impact={"value": 1}),
            event("purchase", "2024-03-02", currency="EUR"),
        ],
        [goal(impact={"value": 1, "currency_property": "currency"}, sequence=1)],
        {"ann": "2024-01-01", "bob": "2024-01-01"},
    ),
    # -- segments
    Case(
        "a segment that no goal refers to affects nobody",
        [*ANN_AND_BOB, goal()],
        [segment("s1", PAID)],
        {},
    ),
    Case(
        "a segment that changes after a version began affects nobody: its definition is pinned",
        [*ANN_AND_BOB, segment("s1", PAID), goal(at="2024-02-01", eligibility={"segment": "s1"})],
        [segment("s1", condition("exists"), at="2024-03-01")],
        {},
    ),
    Case(
        "a segment that changed before a version began affects from when that is in force",
        [*ANN_AND_BOB, segment("s1", PAID), goal(at="2024-02-01", eligibility={"segment": "s1"})],
        [segment("s1", condition("exists"), at="2024-01-15")],
        {"ann": "2024-02-01", "bob": "2024-02-01"},
    ),
    Case(
        "a segment inside a segment is pinned with it",
        [
            *ANN_AND_BOB,
            segment("s1", {"segment": "s2"}),
            segment("s2", PAID),
            goal(at="2024-02-01", eligibility={"not": {"segment": "s1"}}),
        ],
        [segment("s2", condition("exists"), sequence=1)],
        {"ann": "2024-02-01", "bob": "2024-02-01"},
    ),
    Case(
        "a retroactive goal has the newest segments for all time",
        [
            *ANN_AND_BOB,
            segment("s1", PAID),
            goal(definition_policy="retroactive", target={"profile": {"segment": "s1"}}),
        ],
        [segment("s1", condition("exists"), at="2024-03-01")],
        {"ann": BEGINNING, "bob": BEGINNING},
    ),
    # -- workspaces
    Case(
        "a workspace that starts to count later affects everybody from the beginning",
        [*ANN_AND_BOB, goal(), workspace()],
        [workspace(data_start_at="2024-02-15", sequence=1)],
        {"ann": BEGINNING, "bob": BEGINNING},
    ),
    Case(
        "another time zone affects from where a goal begins to count",
        [*ANN_AND_BOB, goal(at="2024-01-15"), workspace()],
        [workspace(time_zone="Asia/Tokyo", sequence=1)],
        {"ann": "2024-01-15", "bob": "2024-01-15"},
    ),
    Case(
        "another name of a workspace affects nobody",
        [*ANN_AND_BOB, goal(), workspace(name="Old")],
        [workspace(name="New", sequence=1)],
        {},
    ),
    Case(
        "a workspace that becomes readable brings everybody, from the beginning",
        [
            *ANN_AND_BOB,
            goal(),
            source("welcome"),
            workspace(time_zone="Amsterdam"),
            event("purchase", "2024-03-02"),
        ],
        [workspace(time_zone="Europe/Amsterdam")],
        {"ann": BEGINNING, "bob": BEGINNING},
    ),
    Case(
        "a workspace of which the first row cannot be read takes everybody out, from the beginning",
        [
            *ANN_AND_BOB,
            source("welcome", exit_condition="goal", exit_goal_id="goal"),
            journey("j1", "2024-02-05", person="joe"),
        ],
        [workspace(time_zone="Amsterdam")],
        {"ann": BEGINNING, "bob": BEGINNING, "joe": BEGINNING},
    ),
    Case(
        "a row that cannot be read of a workspace that can affects nobody",
        [*ANN_AND_BOB, goal(), workspace()],
        [workspace(time_zone="Amsterdam", sequence=1)],
        {},
    ),
    # -- sources: people on a journey of the source
    Case(
        "the first exit condition of a source affects who entered it, from when they did",
        [*ANN_AND_BOB, journey("j1", "2023-12-05"), journey("j2", "2024-02-05", source="b1", person="bob")],
        [source("welcome", exit_condition="goal", exit_goal_id="goal")],
        {"ann": "2023-12-05"},
    ),
    Case(
        "another exit condition affects who entered since",
        [
            source("welcome", exit_condition="goal", exit_goal_id="goal"),
            journey("j1", "2024-02-05"),
            journey("j2", "2024-03-05", person="bob"),
        ],
        [source("welcome", at="2024-03-01", exit_condition="unmatched", trigger_filter=PAID)],
        {"bob": "2024-03-05"},
    ),
    Case(
        "another exit condition affects who entered at its very moment",
        [source("welcome", exit_condition="goal", exit_goal_id="goal"), journey("j1", "2024-03-01")],
        [source("welcome", at="2024-03-01", exit_condition="unmatched", trigger_filter=PAID)],
        {"ann": "2024-03-01"},
    ),
    Case(
        "the trigger filter of an exit condition affects who entered since",
        [
            source("welcome", exit_condition="unmatched", trigger_filter=PAID),
            journey("j1", "2024-02-05"),
        ],
        [source("welcome", exit_condition="unmatched", trigger_filter=condition("exists"), sequence=1)],
        {"ann": "2024-02-05"},
    ),
    Case(
        "a segment inside a trigger filter affects who entered since it changed",
        [
            segment("s1", PAID),
            source("welcome", exit_condition="unmatched", trigger_filter={"segment": "s1"}),
            journey("j1", "2024-02-05"),
            journey("j2", "2024-03-05", person="bob"),
        ],
        [segment("s1", condition("exists"), at="2024-03-01")],
        {"bob": "2024-03-05"},
    ),
    Case(
        "another name or status of a source affects nobody",
        [*ANN_AND_BOB, goal(), source("welcome", name="Old"), delivery("d1", "2024-02-01")],
        [source("welcome", name="New", status="stopped", sequence=1), source("welcome", at="2024-02-01")],
        {},
    ),
    # -- nobody
    Case(
        "a funnel and a holdout affect nobody",
        [*ANN_AND_BOB, goal()],
        [funnel(), holdout()],
        {},
    ),
    Case(
        "a row that is quarantined affects nobody",
        [*ANN_AND_BOB, goal()],
        [
            purchase("yesterday"),
            snapshot("2024-02-30"),
            goal(at="2024-03-01", measurement_window_days=91),
            segment("s1", {"all": 1}),
            journey("j1", "2024-03-01", source=None),
            delivery("d1", "2024-03-01", channel=None),
        ],
        {},
    ),
    Case(
        "a row stamped in the future is quarantined, and the others land all the same",
        [*ANN_AND_BOB, goal()],
        [purchase("2999-01-01"), goal(at="2999-01-01"), event("visit", "2024-03-01", person="bob")],
        {"bob": "2024-03-01"},
    ),
    # -- experiments: nobody's facts are affected by holdouts; assignments are recomputed all the same
    Case(
        "the first trapped delivery assigns everybody with a sent one",
        [*ANN_AND_BOB, goal(), delivery("d1", "2024-02-01"), delivery("d2", "2024-02-01", person="bob")],
        [trapped("d3", "cid")],
        {"cid": "2024-02-01"},
    ),
    Case(
        "without its last trapped delivery a source is no experiment",
        [goal(), delivery("d1", "2024-02-01"), trapped("d2", "bob")],
        [delivery("d2", "2024-02-01", person="bob", sequence=1)],
        {"bob": "2024-02-01"},
    ),
    Case(
        "a delivery sent to a held-out person makes the person conflicting",
        [goal(), delivery("d1", "2024-02-01"), trapped("d2", "bob")],
        [delivery("d3", "2024-03-01", person="bob")],
        {"bob": "2024-03-01"},
    ),
    Case(
        "a corrected holdout moves its person to the other arm, and one of both makes a conflict",
        [goal(), holdout(), holdout("bob"), purchase("2024-03-01")],
        [holdout("ann", "treatment", sequence=1), holdout("bob", "treatment")],
        {},
    ),
    Case(
        "another covariate is read for everybody",
        [
            *(
                snapshot("2024-01-20", score=3, spent=4),
                snapshot("2024-01-21", person="bob", score=5, spent=1),
            ),
            *(goal(impact={"value": 2}), holdout(), holdout("bob"), holdout("cid", "treatment")),
            *(
                purchase("2024-03-01"),
                row("experiments", experiment_id="x", updated_at="2024-01-01", covariate="score"),
            ),
        ],
        [row("experiments", experiment_id="x", updated_at="2024-01-02", covariate="spent")],
        {},
    ),
    Case(
        "a late snapshot changes the covariate of its person",
        [
            *(
                snapshot("2024-01-20", score=3),
                goal(impact={"value": 2}),
                holdout(),
                holdout("bob", "treatment"),
            ),
            *(
                purchase("2024-03-01"),
                row("experiments", experiment_id="x", updated_at="2024-01-01", covariate="score"),
            ),
        ],
        [snapshot("2024-01-25", score=8)],
        {"ann": "2024-01-25"},
    ),
    Case(
        "a late change changes the covariate of its person",
        [
            *(
                change("2024-01-20", score=3),
                goal(impact={"value": 2}),
                holdout(),
                holdout("bob", "treatment"),
            ),
            *(
                purchase("2024-03-01"),
                row("experiments", experiment_id="x", updated_at="2024-01-01", covariate="score"),
            ),
        ],
        [change("2024-01-25", score=8)],
        {"ann": "2024-01-25"},
    ),
    Case(
        "an experiment that lands after its holdouts takes their people",
        [goal(), holdout(), purchase("2024-03-01")],
        [row("experiments", experiment_id="x", updated_at="2024-01-01", goal_ids=["goal"], alpha=0.1)],
        {},
    ),
    Case("nothing new affects nobody", [*ANN_AND_BOB, goal(), delivery("d1", "2024-02-01")], [], {}),
]


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.sentence)
def test_who_is_affected_and_from_when(case, tmp_path_factory):
    assert (
        affected(built(tmp_path_factory.getbasetemp() / "affected")).get(case.sentence, {}) == case.affected
    )


def test_and_the_marts_are_those_of_a_full_refresh(tmp_path, tmp_path_factory):
    pipeline = built(tmp_path_factory.getbasetemp() / "affected")
    assert unlike_a_full_refresh(pipeline, tmp_path / "refreshed") == []


def test_what_a_failed_run_found_affected_stays_so_until_a_run_succeeds(tmp_path):
    pipeline = Pipeline(tmp_path)
    land(pipeline, "kept", [Case("one", [*ANN_AND_BOB], [], {})], kept=True)
    pipeline.run(AS_OF)
    land(pipeline, "new", [Case("one", [], [snapshot("2024-03-05")], {})])
    with broken(model("fct_impressions")), pytest.raises(AssertionError):
        pipeline.run(AS_OF)
    assert affected(pipeline) == {"one": {"ann": "2024-03-05"}}

    land(pipeline, "newer", [Case("one", [], [snapshot("2024-03-04", person="bob")], {})])
    pipeline.run(AS_OF)
    assert affected(pipeline) == {"one": {"ann": "2024-03-05", "bob": "2024-03-04"}}

    land(pipeline, "newest", [Case("one", [], [snapshot("2024-03-06", person="bob")], {})])
    pipeline.run(AS_OF)
    assert affected(pipeline) == {"one": {"bob": "2024-03-06"}}


def test_what_a_failed_run_read_of_a_definition_that_changed_back_stays_affected(tmp_path):
    pipeline = Pipeline(tmp_path)
    land(pipeline, "kept", [Case("one", [snapshot("2024-02-01"), goal()], [], {})], kept=True)
    pipeline.run(AS_OF)
    land(pipeline, "new", [Case("one", [], [goal(sources=["b1"], sequence=1)], {})])
    with broken(model("rpt_goal_summary")), pytest.raises(AssertionError):
        pipeline.run(AS_OF)

    land(pipeline, "newer", [Case("one", [], [goal(sequence=2)], {})])
    pipeline.run(AS_OF)
    assert affected(pipeline) == {"one": {"ann": "2024-01-01"}}


@cache
def built(home: Path) -> Pipeline:
    pipeline = Pipeline(home)
    land(pipeline, "kept", CASES, kept=True)
    pipeline.run(AS_OF)
    land(pipeline, "new", CASES)
    pipeline.run(AS_OF)
    return pipeline


def land(pipeline: Pipeline, name: str, cases: Sequence[Case], kept: bool = False) -> None:
    stories = []
    for case in cases:
        story = Story(case.sentence)
        for tell in case.kept if kept else case.new:
            tell(story)
        stories.append(story)
    folder = pipeline.settings.home / name
    for path in {written.path for written in write(merged(story.world for story in stories), folder)}:
        table, _, rest = path.partition("/")
        target = pipeline.landing / table / name / rest
        target.parent.mkdir(parents=True, exist_ok=True)
        (folder / path).rename(target)


def affected(pipeline: Pipeline) -> dict[str, dict[str, str]]:
    """Moments by profile, by workspace."""
    found: dict[str, dict[str, str]] = {}
    for row in pipeline.query("select * from intermediate.int_affected_profiles"):
        found.setdefault(row["workspace_id"], {})[row["profile_id"]] = moment_text(row["affected_from"])
    return found


def model(name: str):
    return manifest(DBT_PROJECT).nodes[f"model.goalpost.{name}"]
