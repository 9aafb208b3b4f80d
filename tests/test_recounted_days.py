"""From which day a run recounts its reports; that the days before are kept, and right.

One story happens in distant time zones and is counted by clocks that move forward and back, to the
microsecond. After each run all marts equal the reference. Between two runs rows land in another workspace, so
that nothing here is affected: every difference comes from the clock. For everything at once, in random
worlds: test_increments.py.
"""

import random
import shutil
from collections.abc import Iterator
from contextlib import closing
from datetime import date, datetime, timedelta
from functools import cache
from pathlib import Path

import pytest
from increments import Landing, broken
from pipeline import Pipeline
from reference import compute
from scenarios import Story, condition
from test_affected_from import model
from test_worlds import unlike
from worlds import World, merged

from orchestration.warehouse import connect

MORNING = datetime(2024, 6, 10, 10, 30)  # in the east the next day, in the west the one before
MICROSECOND, DAY = timedelta(microseconds=1), timedelta(1)
# A clock, and the first day that is recounted after the clock before.
CLOCKS = (
    (MORNING + MICROSECOND, date(2024, 6, 9)),
    (MORNING - MICROSECOND, date(2024, 6, 9)),
    (MORNING + 9 * DAY, date(2024, 6, 9)),
    (MORNING - 3 * DAY, date(2024, 6, 6)),
    (MORNING + 4 * DAY, date(2024, 6, 6)),
)
ZONES = ("UTC", "Pacific/Kiritimati", "Pacific/Pago_Pago")
PLACES = (*(timedelta(days) for days in (-9, -3, 0, 2, 8)), timedelta(hours=-42), -MICROSECOND, MICROSECOND)


def everything_around_it(zone: str) -> World:
    """For each moment a person whose impression, first achievement, conversion or end of a window is at that
    moment."""
    story = Story(zone)
    story.workspace(time_zone=zone)
    story.goal(measurement_window_days=7, impact={"value": 3})
    story.segment("gold", condition("eq", "gold"))
    story.journey("of many", "2024-05-01", person="nobody")
    for number, moment in enumerate(MORNING + place for place in PLACES):
        early, late = moment - timedelta(5), moment + timedelta(3)
        for what, sent_at, bought_at in (
            ("enrolls", moment, late),
            ("converts", early, moment),
            ("is closed", moment - timedelta(7), moment - timedelta(6)),
            ("is closed without a purchase", moment - timedelta(7), None),
            ("achieved before", moment, early),
        ):
            person = f"{what} {number}"
            story.snapshot(at(early), person=person, x="gold")
            story.snapshot(at(moment), person=person, x="silver")
            story.delivery(f"to {person}", at(sent_at), person=person, journey_id=f"of {what}")
            story.delivery(f"{person} again", at(late), person=person, journey_id=f"own {person}")
            if bought_at:
                story.event("purchase", at(bought_at), person=person)
    return story.world


def at(moment: datetime) -> str:
    return moment.isoformat()


class Walk:
    """A home with the story, as of that morning, and the rows that land elsewhere before each run."""

    def __init__(self, home: Path, start: "Walk | None" = None):
        self.pipeline, self.runs = Pipeline(home), 0
        self.landing = Landing(self.pipeline.landing)
        if start:
            shutil.copytree(start.pipeline.settings.home, home, dirs_exist_ok=True)
            self.runs, self.landing.rows = start.runs, list(start.landing.rows)
            self.landing.files = dict(start.landing.files)
        else:
            self.land(merged(everything_around_it(zone) for zone in ZONES))
            self.run(MORNING)

    def land(self, world: World) -> None:
        self.landing.add(world, self.runs, random.Random(self.runs))
        self.runs += 1

    def run(self, clock: datetime) -> None:
        elsewhere = Story("elsewhere")
        elsewhere.event("visit", at(MORNING), event_id=str(self.runs))
        self.land(elsewhere.world)
        self.pipeline.run(clock)

    def unlike_the_reference(self, clock: datetime) -> list[str]:
        return unlike(compute(self.landing.rows, clock), self.pipeline)

    def first_days(self) -> dict[str, date]:
        rows = self.pipeline.query(
            "from intermediate.int_recounted_days where first_day >= date '0001-01-01'"
        )
        return {row["workspace_id"]: row["first_day"] for row in rows}


@cache
def begun(home: Path) -> Walk:
    return Walk(home)


def walked(home: Path, start: Walk) -> Iterator[Walk]:
    walk = Walk(home, start)
    for clock, _ in CLOCKS:
        walk.run(clock)
        yield walk


@pytest.fixture
def start(tmp_path_factory) -> Walk:
    return begun(tmp_path_factory.getbasetemp() / "begun")


@pytest.fixture
def walk(tmp_path, start) -> Walk:
    return Walk(tmp_path, start)


def test_whichever_way_the_clock_moves_the_figures_are_right(tmp_path, start):
    for (clock, first_day), walk in zip(CLOCKS, walked(tmp_path, start), strict=True):
        assert set(walk.first_days().values()) == {first_day}, f"as of {clock}"
        assert walk.unlike_the_reference(clock) == [], f"as of {clock}"


def test_days_before_are_kept(walk):
    def impressions() -> dict[date, int]:
        rows = walk.pipeline.query("""
            select calendar_day, sum(impressions) as impressions from intermediate.int_goal_days
            where workspace_id = 'UTC' group by calendar_day
        """)
        return {row["calendar_day"]: row["impressions"] for row in rows if row["impressions"]}

    before = impressions()
    with closing(connect(walk.pipeline.settings)) as connection:
        connection.execute(
            "update intermediate.int_goal_days set impressions = impressions + 100 where impressions > 0"
        )
    walk.run(MORNING + MICROSECOND)
    kept = {day for day, count in impressions().items() if count > 100}
    assert kept == {day for day in before if day < date(2024, 6, 9)}


def test_who_is_affected_a_time_zone_and_a_segment_have_their_own_workspace_counted_anew(walk):
    late, zone, segment = map(Story, ZONES)
    late.event("purchase", "2024-05-20T12:00:00", person="late")
    zone.workspace(time_zone="Pacific/Apia", sequence=1)
    segment.segment("gold", condition("eq", "silver"), sequence=1)
    walk.land(merged(story.world for story in (late, zone, segment)))
    walk.run(MORNING)
    assert walk.first_days() == {"UTC": date(2024, 5, 19)}  # the others from the beginning
    assert walk.unlike_the_reference(MORNING) == []


def test_the_currency_of_a_workspace_has_it_counted_anew_because_reports_carry_it(walk):
    story = Story("UTC")
    story.workspace(time_zone="UTC", currency="EUR", sequence=1)
    walk.land(story.world)
    walk.run(MORNING)
    assert "UTC" not in walk.first_days()  # from the beginning
    assert walk.unlike_the_reference(MORNING) == []
    currencies = walk.pipeline.query(
        "select distinct currency from marts.rpt_goal_progress where workspace_id = 'UTC'"
    )
    assert currencies == [{"currency": "EUR"}]


def test_what_failed_runs_counted_by_their_clocks_is_counted_anew(walk):
    """The first one built the days by an early clock. The second one, whose clock is later than that of the
    run that succeeds, did not come to the days."""
    for name, clock in (("rpt_goal_summary", MORNING - 2 * DAY), ("int_goal_days", MORNING + 5 * DAY)):
        with broken(model(name)), pytest.raises(AssertionError):
            walk.run(clock)
    walk.run(MORNING + 2 * DAY)
    assert walk.unlike_the_reference(MORNING + 2 * DAY) == []


def test_a_model_that_is_built_alone_by_another_clock_harms_nothing(walk):
    for models in (["int_goal_days", "int_segment_days"], ["int_recounted_days", "int_goal_days"]):
        build_alone(walk.pipeline, MORNING - 6 * DAY, models)
        walk.run(MORNING + 3 * DAY)
        assert walk.unlike_the_reference(MORNING + 3 * DAY) == []


def build_alone(pipeline: Pipeline, clock: datetime, models: list[str]) -> None:
    """As with chosen assets in the UI: the clock moves, the watermark does not."""
    with closing(connect(pipeline.settings)) as connection:
        connection.execute("update control.clock set as_of = ?", [clock])
    pipeline.dbt("run", "--select", *models)
