"""A test tells a short story; all stories land and are built together; each test reads its own marts.

Belongs here: the functions that tell stories, and how the stories run. Does not: any rule or expectation
(test_scenarios_*.py).

A scenario is a generator: the code before the `yield` lands rows, the code after it reads the marts.

    @scenario
    def test_a_purchase_in_the_window_is_a_conversion(story):
        story.goal()
        story.delivery("d1", "2024-03-01")
        story.event("purchase", "2024-03-02")
        marts = yield
        assert marts.fct_conversions.column("converted_at") == ["2024-03-02"]

Each story has its own workspace and all use the same ids, so every scenario also tests that workspaces do not
mix.
"""

import json
from collections.abc import Callable, Iterator
from datetime import date, datetime, timedelta
from functools import cache
from importlib import import_module
from pathlib import Path

from pipeline import Pipeline
from reference import TABLES, LandedRow
from worlds import FORMATS, World, merged, write

AS_OF = datetime(2024, 12, 31)

PURCHASE = {"event": {"name": "purchase"}}
PAID = {"property": "plan", "op": "eq", "value": "paid"}
BECOMES_PAID = {"profile": PAID}
LEAVES_PAID = {"profile": PAID, "transition": "leave"}

STORIES: dict[str, "Story"] = {}


class Story:
    """The rows of one workspace, told in the order that reads best. The defaults are what most stories need:
    the person is ann, the goal is a purchase within 14 days and lists the campaign `welcome`."""

    def __init__(self, name: str):
        self.name = name
        self.world = World({table: [] for table in TABLES}, name=name)

    def land(self, table: str, **columns) -> None:
        row = {"workspace_id": self.name} | columns
        self.world.tables[table].append({column: landed_text(value) for column, value in row.items()})

    def elsewhere(self) -> "Story":
        """The same story in another workspace, with facts of its own."""
        other = Story(f"{self.name}, elsewhere")
        other.world = self.world
        return other

    def workspace(self, **columns) -> None:
        self.land("workspaces", **columns)

    # -- definitions

    def goal(
        self, goal_id: str = "goal", at: str = "2024-01-01", sequence: int | None = None, **definition
    ) -> None:
        defaults = {"target": PURCHASE, "measurement_window_days": 14, "sources": ["welcome"]}
        self.land(
            "goals", goal_id=goal_id, updated_at=at, sequence=sequence, definition=defaults | definition
        )

    def segment(self, segment_id: str, filter: dict, at: str = "2024-01-01", **columns) -> None:
        self.land("segments", segment_id=segment_id, updated_at=at, filter=filter, **columns)

    def source(self, source_id: str = "welcome", at: str = "2024-01-01", **columns) -> None:
        self.land(
            "sources",
            **{"source_id": source_id, "updated_at": at, "source_type": "campaign", "status": "active"}
            | columns,
        )

    def funnel(self, *goal_ids: str, at: str = "2024-01-01", funnel_id: str = "funnel", **columns) -> None:
        self.land("funnels", funnel_id=funnel_id, updated_at=at, goal_ids=list(goal_ids), **columns)

    def experiment(self, experiment_id: str = "test", at: str = "2024-01-01", **columns) -> None:
        self.land("experiments", experiment_id=experiment_id, updated_at=at, **columns)

    # -- people

    def holdout(
        self, person: str, arm: str, at: str = "2024-03-01", experiment: str = "test", **columns
    ) -> None:
        self.land("holdouts", experiment_id=experiment, profile_id=person, arm=arm, assigned_at=at, **columns)

    def crowd(self, arm: str, people: int, achievers: int, at: str = "2024-03-01", **columns) -> None:
        """So many people of an arm, and a purchase of the first ones the day after."""
        for number in range(people):
            person = f"{arm} {number}"
            self.holdout(person, arm, at, **columns)
            if number < achievers:
                self.event("purchase", "2024-03-02", person=person, total=number)

    def snapshot(self, at: str, person: str = "ann", deleted: bool = False, **properties) -> None:
        self.land(
            "profile_snapshots",
            profile_id=person,
            observed_at=at,
            properties=properties,
            is_deleted=deleted or None,
        )

    def change(
        self,
        at: str,
        person: str = "ann",
        change_id: str | None = None,
        deleted: bool = False,
        sequence: int | None = None,
        **properties,
    ) -> None:
        self.land(
            "profile_changes",
            profile_id=person,
            changed_at=at,
            change_id=change_id or "only",
            properties=properties,
            is_deleted=deleted or None,
            sequence=sequence,
        )

    def people(self, **values) -> None:
        """One person for each value, named like the value, with the value as the property `x` (None: JSON
        null)."""
        for person, value in values.items():
            self.snapshot("2024-03-01", person=person, x=value)

    def event(
        self,
        name: str,
        at: str,
        person: str = "ann",
        received_at: str | None = None,
        event_id: str | None = None,
        **properties,
    ):
        event_id = event_id or f"event {len(self.world.tables['events']) + 1}"
        columns = {"event_id": event_id, "profile_id": person, "name": name, "received_at": received_at}
        self.land("events", **columns, occurred_at=at, properties=properties)

    # -- messages

    def journey(
        self,
        journey_id: str,
        at: str,
        source: str = "welcome",
        person: str = "ann",
        trigger: dict | None = None,
        **columns,
    ) -> None:
        columns = {"source_id": source, "profile_id": person, "trigger_properties": trigger} | columns
        self.land("journeys", journey_id=journey_id, entered_at=at, **columns)

    def delivery(
        self, delivery_id: str, at: str | None, source: str = "welcome", person: str | None = "ann", **columns
    ) -> None:
        columns = {
            "source_type": "campaign",
            "channel": "email",
            "source_id": source,
            "profile_id": person,
        } | columns
        self.land("deliveries", delivery_id=delivery_id, sent_at=at, **columns)

    def engagement(
        self, metric: str, delivery_id: str, at: str, machine: bool | None = None, **columns
    ) -> None:
        columns = {"engagement_id": f"{metric} {delivery_id} {at}", "is_machine": machine} | columns
        self.land("engagements", delivery_id=delivery_id, metric=metric, occurred_at=at, **columns)

    def opened(self, delivery_id: str, at: str, machine: bool | None = None) -> None:
        self.engagement("opened", delivery_id, at, machine)


class Rows(list):
    """A mart's rows of one workspace, oldest first; moments and days are text, as the stories write them."""

    def column(self, name: str) -> list:
        return [row[name] for row in self]

    def by(self, key: str, name: str) -> dict:
        """One column by another, which is unique."""
        found = {row[key]: row[name] for row in self}
        assert len(found) == len(self), f"{key} is not unique in {self}"
        return found

    def where(self, **values) -> "Rows":
        return Rows(row for row in self if all(row[name] == value for name, value in values.items()))

    @property
    def one(self) -> dict:
        (row,) = self
        return row


class Marts:
    """The result of a story: `marts.<mart>`, `marts.quarantined(table)`, `marts.staged(table)`."""

    def __init__(self, pipeline: Pipeline, workspace_id: str):
        self.pipeline, self.workspace_id = pipeline, workspace_id

    def __getattr__(self, mart: str) -> Rows:
        return rows_of(self.pipeline, f"marts.{mart}", self.workspace_id)

    def quarantined(self, table: str) -> list[str]:
        """The reason codes, in the order of the alphabet."""
        return sorted(rows_of(self.pipeline, f"quarantine.{table}", self.workspace_id).column("reason_code"))

    def staged(self, table: str) -> Rows:
        return rows_of(self.pipeline, f"staging.{table}", self.workspace_id)

    def achievers(self, goal_id: str = "goal") -> set[str]:
        return set(self.fct_achievements.where(goal_id=goal_id).column("profile_id"))

    def elsewhere(self) -> "Marts":
        return Marts(self.pipeline, f"{self.workspace_id}, elsewhere")


def scenario(tell: Callable[[Story], Iterator]) -> Callable:
    """Registers the story and makes the test that reads its marts."""
    name = tell.__name__.removeprefix("test_").replace("_", " ")
    assert name not in STORIES, f"two scenarios are called {name!r}"
    STORIES[name] = told(tell, Story(name))[0]

    def test(tmp_path_factory) -> None:
        story, telling = told(tell, Story(name))
        try:
            telling.send(Marts(built(tmp_path_factory.getbasetemp() / "scenarios"), story.name))
        except StopIteration:
            return
        raise AssertionError("a scenario has one yield")

    test.__name__, test.__doc__, test.__module__ = tell.__name__, tell.__doc__, tell.__module__
    return test


def told(tell: Callable[[Story], Iterator], story: Story) -> tuple[Story, Iterator]:
    telling = tell(story)
    next(telling)
    return story, telling


def all_stories() -> World:
    """All stories, whichever tests were selected: the result of a scenario never depends on the selection."""
    for path in sorted(Path(__file__).parent.glob("test_scenarios_*.py")):
        import_module(path.stem)
    return merged(story.world for story in STORIES.values())


@cache
def built(home: Path) -> Pipeline:
    """The one run of all stories, over files of every format."""
    pipeline = Pipeline(home)
    landed(home)
    pipeline.run(AS_OF)
    return pipeline


@cache
def landed(home: Path) -> tuple[LandedRow, ...]:
    return tuple(write(all_stories(), Pipeline(home).landing, files_per_table=2, formats=FORMATS))


@cache
def rows_by_workspace(pipeline: Pipeline, table: str) -> dict[str, Rows]:
    found: dict[str, Rows] = {}
    for row in sorted(map(readable, pipeline.query(f"select * from {table}")), key=chronologically):
        found.setdefault(row["workspace_id"], Rows()).append(row)
    return found


def rows_of(pipeline: Pipeline, table: str, workspace_id: str) -> Rows:
    return rows_by_workspace(pipeline, table).get(workspace_id, Rows())


def readable(row: dict) -> dict:
    return {name: moment_text(value) if isinstance(value, date) else value for name, value in row.items()}


def chronologically(row: dict) -> list[str]:
    names = (
        "achieved_at",
        "received_at",
        "enrolled_at",
        "goal_version",
        "entered_at",
        "period_start",
        "enrollment_day",
    )
    ties = [f"{row.get(name, 0):04}" for name in ("touch_number", "step")] + [
        str(row.get(name)) for name in ("goal_id", "delivery_id")
    ]
    return [row[name] or "" for name in names if name in row] + ties


def landed_text(value) -> str | None:
    if value is None or isinstance(value, str):
        return value
    return json.dumps(value)


def moment_text(moment: date) -> str:
    return moment.isoformat().removesuffix("T00:00:00")


def a_microsecond_before(moment: str) -> str:
    return moment_text(datetime.fromisoformat(moment) - timedelta(microseconds=1))


def a_microsecond_after(moment: str) -> str:
    return moment_text(datetime.fromisoformat(moment) + timedelta(microseconds=1))


def condition(op: str, *value, of: str = "x") -> dict:
    """A filter: `condition("gt", 9.99)` is about the property `x`."""
    return {"property": of, "op": op} | ({"value": value[0]} if value else {})
