"""Rows exactly at affected_from, a microsecond before it or after it: an increment takes each once.

Everybody except one person is affected from one moment on, the earliest of the run, and has rows of every
kind exactly there. After the run all marts equal the reference. In random worlds two rows rarely have the
same microsecond, and with many workspaces the earliest affected_from is the beginning, which skips nothing.
"""

import random
import shutil
from collections.abc import Callable
from datetime import datetime, timedelta
from functools import cache
from pathlib import Path

from increments import Landing
from pipeline import Pipeline
from reference import compute
from scenarios import AS_OF, BECOMES_PAID, LEAVES_PAID, PAID, Story
from test_worlds import unlike
from worlds import World, merged

# Ten to midnight in New York at the end of a day of 25 hours.
EDGE = datetime(2024, 11, 4, 4, 50)
MICROSECOND, DAY = timedelta(microseconds=1), timedelta(1)
MOMENTS = {"before": EDGE - MICROSECOND, "at": EDGE, "after": EDGE + MICROSECOND}


AT_HOME = {"property": "city", "op": "eq", "value": {"profile": "city"}}


def at(moment: datetime) -> str:
    return moment.isoformat()


def goals(story: Story) -> None:
    """Of every kind of target; a touch counts on the day of its achievement only."""
    same_day = {"attribution": {"window_days": 0}}
    story.goal("buys", **same_day)
    story.goal("pays", target=BECOMES_PAID, **same_day)
    story.goal("stops paying", target=LEAVES_PAID, **same_day)
    story.goal("opens", target={"message": {"metric": "opened"}}, **same_day)
    story.goal("is sent a message", target={"message": {"metric": "sent"}}, **same_day)
    story.goal("delivered", impression="delivered", **same_day)
    story.goal("buys at home", target={"event": {"name": "purchase", "filter": AT_HOME}}, **same_day)
    story.goal("opens and buys", attribution={"window_days": 0, "criteria": {"email": "opened"}})
    story.source(
        exit_condition="goal_or_unmatched", exit_goal_id="pays", trigger_filter=BECOMES_PAID["profile"]
    )
    story.segment("payers", PAID)
    story.workspace(time_zone="America/New_York")


def kept(story: Story, person: str, moment: datetime) -> None:
    """A person's rows at a moment, and rows that reach from long before up to it."""
    story.snapshot(at(moment - 20 * DAY), person=person, plan="free")
    for name, sent_at in (
        ("closes", moment - 14 * DAY),
        ("is open", moment - 3 * DAY),
        ("is that day's", EDGE - timedelta(hours=24, minutes=40)),
        ("is then", moment),
    ):
        story.journey(f"{person} {name}", at(sent_at), person=person)
        story.delivery(f"{person} {name}", at(sent_at), person=person, journey_id=f"{person} {name}")
        story.engagement("delivered", f"{person} {name}", at(moment))
    story.opened(f"{person} is open", at(moment))
    story.delivery(f"{person} is reported", None, person=person)
    story.engagement("sent", f"{person} is reported", at(moment))


def buys(story: Story, person: str, moment: datetime) -> None:
    story.event("purchase", at(moment), person=person, event_id=f"{person} buys")


def pays(story: Story, person: str, moment: datetime) -> None:
    story.snapshot(at(moment), person=person, plan="paid")


def pays_and_stops(story: Story, person: str, moment: datetime) -> None:
    pays(story, person, moment)
    story.snapshot(at(moment + DAY), person=person, plan="free")


def paid_and_stops(story: Story, person: str, moment: datetime) -> None:
    pays(story, person, moment - DAY)
    story.snapshot(at(moment), person=person, plan="free")


def buys_twice(story: Story, person: str, moment: datetime) -> None:
    story.event("purchase", at(moment - MICROSECOND), person=person, event_id=f"{person} buys first")
    buys(story, person, moment)


def visits(story: Story, person: str, moment: datetime) -> None:
    """No goal uses it: the kept rows are recomputed, and do not change."""
    story.event("visit", at(moment), person=person, event_id=f"{person} visits")


def buys_too(story: Story, person: str, moment: datetime) -> None:
    story.event("purchase", at(moment), person=person, event_id=f"{person} buys too")


def does_not_buy_after_all(story: Story, person: str, moment: datetime) -> None:
    """A correction of a purchase, for people who bought something."""
    story.land(
        "events",
        event_id=f"{person} buys",
        profile_id=person,
        name="visit",
        occurred_at=at(moment),
        sequence="1",
    )


KEPT: dict[str, Callable] = {
    "does nothing": lambda *_: None,
    "buys": buys,
    "buys twice": buys_twice,
    "pays": pays_and_stops,
    "stops": paid_and_stops,
}
NEW: dict[str, Callable] = {
    "visits": visits,
    "buys too": buys_too,
    "pays": pays,
    "does not buy": does_not_buy_after_all,
}


def everybody() -> tuple[World, World]:
    before, new = Story("edges"), Story("edges")
    goals(before)
    for when, moment in MOMENTS.items():
        for had, keep in KEPT.items():
            for does, add in NEW.items():
                if add is does_not_buy_after_all and moment < EDGE:
                    continue  # a correction affects from where the row was
                person = f"{had} {when}, {does}"
                kept(before, person, moment)
                keep(before, person, moment)
                add(new, person, EDGE)
    long_before(before, "long ago")
    buys_too(new, "long ago", EDGE)
    before.delivery("credited twice", at(EDGE - timedelta(hours=1)), person="credited twice")
    buys_twice(before, "credited twice", EDGE)
    does_not_buy_after_all(new, "credited twice", EDGE)
    moved(before, "moved")
    new.event("purchase", at(EDGE), person="moved", city="Rome")
    pays_for_a_day(before, "later")
    pays(new, "later", EDGE + 4 * DAY)
    return before.world, new.world


def moved(story: Story, person: str) -> None:
    """A state that differs from the one before only in properties that event filters use."""
    story.snapshot(at(EDGE - 20 * DAY), person=person, city="Oslo")
    story.snapshot(at(EDGE - 10 * DAY), person=person, city="Rome")


def pays_for_a_day(story: Story, person: str) -> None:
    """Several states between the run's earliest affected_from and the person's own."""
    story.snapshot(at(EDGE - 20 * DAY), person=person, plan="free")
    pays_and_stops(story, person, EDGE + DAY)


def long_before(story: Story, person: str) -> None:
    """As far back as the reason for no credit depends on, and an opening in the middle."""
    story.delivery(f"to {person}", at(EDGE - 90 * DAY), person=person)
    story.opened(f"to {person}", at(EDGE - 80 * DAY))


def a_change_over_a_kept_state() -> tuple[World, World]:
    """What it does not say was said before the increment."""
    before, new = Story("laid over"), Story("laid over")
    before.goal(target={"profile": {"all": [PAID, {"property": "city", "op": "eq", "value": "Rome"}]}})
    before.snapshot(at(EDGE - 20 * DAY), city="Rome", plan="free")
    before.change(at(EDGE - 10 * DAY), x=1)
    new.change(at(EDGE), plan="paid")
    return before.world, new.world


def a_currency_that_lands_late() -> tuple[World, World]:
    """A row of a message that was sent already: now it locks a goal."""
    before, new = Story("currency"), Story("currency")
    before.goal(at=at(EDGE), sources=["welcome"], attribution={"window_days": 0})
    for days, window in ((1, 7), (3, 30)):
        before.goal(
            at=at(EDGE + days * DAY),
            sources=["spring"],
            measurement_window_days=window,
            attribution={"window_days": 0},
            impact={"currency": "EUR", "value": 3},
        )
    before.delivery("d1", at(EDGE + 2 * DAY), source="spring")
    new.workspace(currency="EUR")
    return before.world, new.world


STORIES = (everybody, a_change_over_a_kept_state, a_currency_that_lands_late)


class Edges:
    """A home, or a copy of one, as it was before the new rows; then the new rows land in it."""

    def __init__(self, home: Path, start: "Edges | None" = None):
        self.pipeline = Pipeline(home)
        self.landing = Landing(self.pipeline.landing)
        self.before, self.new = (merged(each) for each in zip(*(tell() for tell in STORIES), strict=True))
        if start:
            shutil.copytree(start.pipeline.settings.home, home, dirs_exist_ok=True)
            self.landing.rows, self.landing.files = list(start.landing.rows), dict(start.landing.files)
        else:
            self.run(self.before, 0)

    def run(self, world: World, number: int) -> None:
        self.landing.add(world, number, random.Random(number))
        self.pipeline.run(AS_OF)


@cache
def begun(home: Path) -> Edges:
    return Edges(home)


def gone_on(home: Path, start: Edges) -> Edges:
    edges = Edges(home, start)
    edges.run(edges.new, 1)
    return edges


def test_what_lies_at_affected_from_is_computed_once(tmp_path, tmp_path_factory):
    edges = gone_on(tmp_path, begun(tmp_path_factory.getbasetemp() / "edges"))
    affected = edges.pipeline.query("select distinct affected_from from intermediate.int_affected_profiles")
    assert {row["affected_from"] for row in affected} == {EDGE, EDGE + 4 * DAY}
    assert unlike(compute(edges.landing.rows, AS_OF), edges.pipeline) == []
