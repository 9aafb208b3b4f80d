"""Stories of rows that land again, late or corrected: the archive is replayed, events come 150 days late, a
time zone is corrected. Each is checked after its first batch and its second; then all equal a full
refresh."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from increments import unlike_a_full_refresh
from pipeline import Pipeline
from scenarios import AS_OF, Story
from worlds import World, merged, write

BOUGHT = {"target": {"event": {"name": "purchase"}}, "definition_policy": "retroactive", "sources": ["c1"]}


def replayed(story: Story) -> Iterator[None]:
    """On 1 June the archive comes again: the same events, with receipts of June."""
    story.goal(**BOUGHT, impact={"event_property": "total"})
    days = range(2, 7)
    for day in days:
        story.delivery(f"d{day}", "2024-03-01T08:00:00", "c1", f"p{day}")
        purchase(story, f"e{day}", f"p{day}", f"2024-03-0{day}T09:00:00", f"2024-03-0{day}T09:00:01")
    yield
    for day in days:
        purchase(story, f"e{day}", f"p{day}", f"2024-03-0{day}T09:00:00", "2024-06-01T03:00:00")


def late(story: Story) -> Iterator[None]:
    """One device's clock says 2031, another's 1970; 150 days later come two more purchases, and a bounce."""
    for goal_id, clock in (("received", "received"), ("occurred", "occurred")):
        target = {"event": {"name": "purchase", "clock": clock}}
        story.goal(goal_id, **BOUGHT | {"target": target}, measurement_window_days=1)
    for number in range(6):
        story.delivery(f"d{number}", "2024-03-01T08:00:00", "c1", f"p{number}")
    for number, occurred_at in enumerate(("2024-03-01T09:00:00", "2031-01-01", "1970-01-01T00:00:05")):
        purchase(story, f"e{number}", f"p{number}", occurred_at, "2024-03-01T09:00:02")
    purchase(story, "e3", "p3", "2024-03-02T07:00:00", "2024-03-02T09:30:00")
    yield
    purchase(story, "e4", "p4", "2024-03-01T10:00:00", "2024-03-01T10:00:01")
    purchase(story, "e5", "p5", "2024-03-01T10:00:00", None)
    story.engagement("bounced", "d0", "2024-03-01T08:00:09")


def mended(story: Story) -> Iterator[None]:
    story.workspace(time_zone="Amsterdam", currency="EUR")
    tenant(story)
    yield
    story.workspace(time_zone="Europe/Amsterdam", currency="EUR")


def broken(story: Story) -> Iterator[None]:
    """The row of the workspace has not landed, so it has the defaults. Then the row lands, and cannot be
    read."""
    tenant(story)
    yield
    story.workspace(time_zone="Amsterdam", currency="EUR")


def reported(story: Story) -> Iterator[None]:
    """The sender reports the sending with an engagement: for one message later, for another no longer."""
    story.goal(**BOUGHT)
    for number in (1, 2):
        story.delivery(f"d{number}", None, "c1", f"p{number}")
        story.event("purchase", "2024-03-05", f"p{number}")
    story.engagement("sent", "d2", "2024-03-02", engagement_id="n2")
    yield
    story.engagement("sent", "d1", "2024-03-01", engagement_id="n1")
    story.engagement("opened", "d2", "2024-03-02", engagement_id="n2", sequence=1)


def tenant(story: Story) -> None:
    story.goal(**BOUGHT, impact={"event_property": "total"})
    story.segment("s1", {"property": "plan", "op": "exists"})
    story.source("c1", exit_condition="goal", exit_goal_id="goal")
    story.funnel("goal")
    story.snapshot("2024-03-01", plan="free")
    story.snapshot("2024-03-01", person="only seen", plan="free")
    story.journey("j1", "2024-03-01", "c1")
    story.delivery("d1", "2024-03-01", "c1", journey_id="j1")
    story.event("purchase", "2024-03-02T23:30:00", total=10)
    story.holdout("ann", "treatment")


def purchase(story: Story, event_id: str, person: str, occurred_at: str, received_at: str | None) -> None:
    story.event("purchase", occurred_at, person, received_at, event_id, total=10)


def land(pipeline: Pipeline, stories: list[Story], number: int) -> None:
    """The rows of the stories since the last batch."""
    written = pipeline.settings.home / f"batch {number}"
    write(merged(story.world for story in stories), written)
    for table in written.iterdir():
        (pipeline.landing / table.name).mkdir(parents=True, exist_ok=True)
        table.rename(pipeline.landing / table.name / f"{number}")
    for story in stories:
        story.world = World({name: [] for name in story.world.tables})


class Told:
    """What the marts say of every story after its first batch and after its second."""

    def __init__(self, home: Path):
        self.pipeline = Pipeline(home)
        stories = [(Story(tell.__name__), tell) for tell in (replayed, late, mended, broken, reported)]
        tellings = [tell(story) for story, tell in stories]
        self.before: dict[str, dict[str, list]] = {}
        self.after: dict[str, dict[str, list]] = {}
        for number, said in enumerate((self.before, self.after)):
            for telling in tellings:
                next(telling, None)
            land(self.pipeline, [story for story, _ in stories], number)
            self.pipeline.run(AS_OF)
            with self.pipeline.reading():
                for story, _ in stories:
                    said[story.name] = self.rows(story.name)

    def rows(self, workspace_id: str) -> dict[str, list]:
        marts = self.pipeline.query(
            "select table_name from duckdb_tables() where (database_name, schema_name) = ('marts', 'main')"
        )
        names = [row["table_name"] for row in marts]
        return {
            name: self.pipeline.query(f"from marts.{name} where workspace_id = '{workspace_id}' order by all")
            for name in names
        }


@pytest.fixture(scope="module")
def told(tmp_path_factory) -> Told:
    return Told(tmp_path_factory.mktemp("told"))


def test_a_replay_of_the_archive_changes_no_fact(told):
    assert len(told.before["replayed"]["fct_conversions"]) == 5
    assert told.after["replayed"] == told.before["replayed"]


def converted(rows: dict[str, list], goal_id: str) -> set[str]:
    return {row["profile_id"] for row in rows["fct_conversions"] if row["goal_id"] == goal_id}


def test_no_sale_is_lost_to_a_clock_or_a_delay_and_a_late_bounce_takes_its_conversion_back(told):
    assert converted(told.before["late"], "received") == {"p0", "p1", "p2"}
    assert converted(told.after["late"], "received") == {"p1", "p2", "p4", "p5"}
    assert converted(told.before["late"], "occurred") == {"p0", "p1", "p3"}
    assert converted(told.after["late"], "occurred") == {"p1", "p3", "p4", "p5"}
    assert len(told.after["late"]["fct_enrollments"]) == 2 * 5


def test_a_workspace_that_becomes_readable_brings_everything_of_it(told):
    assert {name for name, rows in told.before["mended"].items() if rows} == set()
    after = told.after["mended"]
    assert {name for name, rows in after.items() if not rows} == set()
    assert {row["profile_id"] for row in after["dim_profiles"]} == {"ann", "only seen"}
    assert {row["impact_currency"] for row in after["fct_achievements"]} == {"EUR"}
    assert str(after["rpt_goal_progress"][0]["period_start"])[:7] in ("2024-02", "2024-03")


def test_a_workspace_of_which_the_first_row_cannot_be_read_leaves_every_mart(told):
    assert {name for name, rows in told.before["broken"].items() if not rows} == set()
    assert {name for name, rows in told.after["broken"].items() if rows} == set()


def test_a_sent_engagement_brings_the_delivery_and_takes_it_back(told):
    for said, delivery_id in ((told.before, "d2"), (told.after, "d1")):
        for mart in ("fct_impressions", "fct_enrollments", "fct_conversions", "fct_touches"):
            assert [row["delivery_id"] for row in said["reported"][mart]] == [delivery_id], mart


def test_and_all_equal_a_full_refresh(told, tmp_path):
    assert unlike_a_full_refresh(told.pipeline, tmp_path) == []


def test_a_sent_engagement_locks_a_goal_where_nothing_else_lands(tmp_path):
    """In a home of its own: a run finds the sends to look at for all workspaces together."""
    pipeline, story = Pipeline(tmp_path / "home"), Story("w")
    story.goal()
    story.goal(at="2024-03-01", target={"event": {"name": "visit"}})
    story.delivery("d1", None)
    land(pipeline, [story], 0)
    pipeline.run(AS_OF)
    assert refused(pipeline) == []

    story.engagement("sent", "d1", "2024-02-15", engagement_id="n1")
    land(pipeline, [story], 1)
    pipeline.run(AS_OF)
    assert refused(pipeline) == ["goal_locked"]

    story.delivery("d1", "2024-03-15", sequence=1)
    land(pipeline, [story], 2)
    pipeline.run(AS_OF)
    assert refused(pipeline) == []

    story.delivery("d1", None, sequence=2)
    land(pipeline, [story], 3)
    pipeline.run(AS_OF)
    assert refused(pipeline) == ["goal_locked"]
    assert unlike_a_full_refresh(pipeline, tmp_path / "refreshed") == []


def refused(pipeline: Pipeline) -> list[str]:
    return [row["reason_code"] for row in pipeline.query("select reason_code from quarantine.goals")]
