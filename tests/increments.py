"""Worlds that land in batches: how they are split, what goes wrong between batches, what a run must equal.

Belongs here: which row lands when, files that land again, runs that fail, the comparison with a full refresh.
Does not: what the rows mean (reference/), how a world is made (worlds.py).

Each workspace of merged worlds lands in its own way (ARRIVALS), so that one run tries them all. The way that
finds most faults lands the history at once and then one row at a time: each row shows whether the run finds
what it affects. The later rows are held-back rows and rows made from others (`follow_up`).
"""

import json
import os
import random
import shutil
from bisect import bisect
from collections import defaultdict
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from graphlib import TopologicalSorter
from pathlib import Path

import pytest
from dbt.artifacts.resources import Hook
from pipeline import Pipeline, manifest
from reference import TABLES, LandedRow, compute
from reference.values import read_time
from test_worlds import unlike
from worlds import CLOCK_CHANGES, EARLY, FORMATS, MICROSECONDS, Row, World, as_of, write

from orchestration.errors import GoalpostError
from orchestration.mart_changes import Change, Rows
from orchestration.publish import prepare, publish
from orchestration.selection import recompute_moments, rows_that_can_change
from orchestration.settings import DBT_PROJECT
from orchestration.warehouse import connect

Placed = tuple[str, Row | None]  # a table, and one of its rows

ERROR = "error"  # the function of the engine that raises one
WITHOUT_TESTS = ("--exclude-resource-type", "test", "--exclude-resource-type", "unit_test")
DEFINITIONS = ("workspaces", "goals", "segments", "sources", "funnels", "holdouts", "experiments")
DISTURBANCES = (*(None,) * 4, "a failed run", "a failed run", "failed runs, then more files", "a run again")


# ---- a story: batches, and what happens to each ------------------------------------------------------------


@dataclass
class Landing:
    """The landing folder, and what the reference needs to know about it."""

    folder: Path
    rows: list[LandedRow] = field(default_factory=list)  # as they load: the first of duplicates is valid
    files: dict[str, list[LandedRow]] = field(default_factory=dict)  # as they are now, by path

    def add(self, batch: World, number: int, dice: random.Random) -> None:
        """Mostly files of their own. Some take the path of an older file: the old rows stay."""
        written = self.folder.with_name(f"batch {number}")
        by_path = defaultdict(list)
        for row in write(
            batch, written, files_per_table=dice.choice((1, 1, 3)), formats=FORMATS, seed=dice.random()
        ):
            by_path[row.path].append(row)
        places = {}
        for path in by_path:
            table, _, rest = path.partition("/")
            places[path if dice.random() < 0.2 else f"{table}/batch={number}/{rest}"] = path
        for place, path in sorted(places.items()):
            self.put(written / path, place, by_path[path])

    def add_again(self, number: int, dice: random.Random) -> None:
        """A file again: under another path its rows are more rows, under the same path nothing is new."""
        if self.files:
            path = dice.choice(sorted(self.files))
            table, _, rest = path.partition("/")
            self.put(self.folder / path, f"{table}/later={number}/{rest}", self.files[path])
            os.utime(self.folder / dice.choice(sorted(self.files)))

    def add_nothing(self, number: int, dice: random.Random) -> None:
        """A file without a row, and one that cannot be read."""
        for name, content in (("empty.jsonl", b"\n"), ("broken.parquet", b"no Parquet")):
            path = self.folder / dice.choice(sorted(TABLES)) / f"batch={number}" / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content)

    def put(self, file: Path, place: str, rows: list[LandedRow]) -> None:
        target = self.folder / place
        target.parent.mkdir(parents=True, exist_ok=True)
        if target.exists() and target.read_bytes() == file.read_bytes():
            return
        shutil.copyfile(file, target)
        self.files[place] = [
            LandedRow(row.table, place, row.row_number, row.values, row.loaded_at) for row in rows
        ]
        self.rows += self.files[place]


@dataclass
class Batch:
    """The rows that have landed by the end of one batch, and the home after its run."""

    number: int
    disturbance: str | None
    pipeline: Pipeline
    landed: list[LandedRow]
    clock: datetime

    def __str__(self) -> str:
        return f"batch {self.number} ({self.disturbance or 'undisturbed'}, as of {self.clock})"


def land_in_batches(
    batches: list[World], seed: int, home: Path, disturbances: tuple[str | None, ...] = DISTURBANCES
) -> Iterator[Batch]:
    """Land and run, batch by batch; stops after each batch whose run has succeeded."""
    dice = random.Random(seed)
    pipeline = Pipeline(home)
    pipeline.landing.mkdir(parents=True)
    landing = Landing(pipeline.landing)
    for number, batch in enumerate(batches):
        disturbance = dice.choice(disturbances)
        landing.add(batch, number, dice)
        if disturbance and dice.random() < 0.5:
            landing.add_again(number, dice)
            landing.add_nothing(number, dice)
        clock = as_of(dice.random())  # no later than the one before, as often as not
        if disturbance in ("a failed run", "failed runs, then more files"):
            fail(pipeline, clock, dice)
        if disturbance == "failed runs, then more files" and number + 1 < len(batches):
            continue
        pipeline.run(clock)
        if disturbance == "a run again":
            pipeline.run(clock)
        yield Batch(number, disturbance, pipeline, landing.rows, clock)


def fail(pipeline: Pipeline, clock: datetime, dice: random.Random) -> None:
    """A run in which one model cannot be built: the models that need it are not built, the models before or
    beside it are; or no later model is built, as if the process had ended there."""
    models = in_order_of_building()
    first = dice.randrange(len(models))
    with ExitStack() as stack:
        for model in models[first:] if dice.random() < 0.5 else [models[first]]:
            stack.enter_context(broken(model))
        with pytest.raises((AssertionError, GoalpostError), match="this model cannot be built"):
            pipeline.run(clock)


def in_order_of_building() -> list:
    """The models in SQL."""
    nodes = manifest(DBT_PROJECT).nodes
    models = {name: node for name, node in sorted(nodes.items()) if node.resource_type == "model"}
    parents = {name: node.depends_on.nodes for name, node in models.items()}
    names = [name for name in TopologicalSorter(parents).static_order() if name in models]
    return [models[name] for name in names if models[name].language == "sql"]


def broken(model):
    """The model fails when it is built. Its code stays: changed code would need more than an increment."""
    return replaced(model.config, "pre_hook", [Hook(f"select {ERROR}('this model cannot be built')")])


@contextmanager
def replaced(thing: object, name: str, value: object) -> Iterator[None]:
    before = getattr(thing, name)
    setattr(thing, name, value)
    try:
        yield
    finally:
        setattr(thing, name, before)


# ---- what a run must equal ---------------------------------------------------------------------------------


def unlike_the_reference(batch: Batch) -> list[str]:
    return unlike(compute(batch.landed, batch.clock), batch.pipeline)


def unlike_a_full_refresh(pipeline: Pipeline, home: Path) -> list[str]:
    """For each table that people read: the rows that a full refresh of the same files does not have, and the
    other way round. The refresh runs on a copy of the warehouse: `loaded_at` and the paths are the same."""
    copy = Pipeline(home)
    pipeline.copy_databases(copy)
    tables = [f"{row['schema']}.{row['name']}" for row in copy.query(READ_BY_PEOPLE)]
    with closing(connect(copy.settings)) as connection:
        connection.execute("create schema incremental")
        for table in tables:
            connection.execute(f'create table incremental."{table}" as from {table}')
    copy.dbt("build", "--full-refresh", *WITHOUT_TESTS)
    with copy.reading():
        return [line for table in tables for line in except_all(copy, f'incremental."{table}"', table)]


def wrongly_published(batch: Batch) -> list[str]:
    """The months that publishing takes for unchanged although they are not, and what it tells wrongly of the
    changes in a mart. Publishes them all."""
    settings, project = batch.pipeline.settings, manifest(DBT_PROJECT).to_dict()
    moments = recompute_moments(project)
    # A run again changes nothing more: what the first one changed was not published.
    is_in_part = settings.published.exists() and batch.disturbance != "a run again"
    whole = prepare(settings, moments)
    rebuilt = () if is_in_part else None
    rows = rows_that_can_change(project, rebuilt)
    in_part = prepare(settings, moments, rebuilt=rebuilt, rows=rows)
    wrong = [f"{part.place} is another" for part in whole.parts if part not in in_part.parts]
    if settings.published.exists():
        wrong += wrongly_told(batch.pipeline, rows, in_part.changes)
    publish(settings, "run", in_part)
    return wrong


def wrongly_told(pipeline: Pipeline, rows: Rows, told: list[Change] | None) -> list[str]:
    """Told changes of marts that are not what `except all` finds between the published and the new rows."""
    wrong = []
    with closing(connect(pipeline.settings, read_only=True)) as connection:
        connection.execute(f"attach '{pipeline.settings.published}' as readers (read_only)")
        for each in told or ():
            gone, come = (
                f"(from {a}.main.{each.mart} except all from {b}.main.{each.mart})"
                for a, b in (("readers", "marts"), ("marts", "readers"))
            )
            same = " and ".join(f"a.{key} is not distinct from b.{key}" for key in rows.keys[each.mart])
            [(removed, added, changed)] = connection.execute(
                f"select (select count(*) from {gone}), (select count(*) from {come}), "
                f"(select count(*) from {gone} as a inner join {come} as b on {same})"
            ).fetchall()
            found = (added - changed, removed - changed, changed)
            if (each.added, each.removed, each.changed) != found:
                wrong.append(f"{each}, but {found}")
    return wrong if told else ["nothing was told of changes"]


def contents(pipeline: Pipeline) -> dict[str, tuple]:
    """For each table that people read: the number of rows, and the sum of their hashes, which is the same in
    any order."""
    names = [f'{table["schema"]}."{table["name"]}"' for table in pipeline.query(READ_BY_PEOPLE)]
    each = (
        f"select '{name}' as name, count(*) as rows, sum(hash(t)::hugeint) as hash from {name} as t"
        for name in names
    )
    return {row["name"]: (row["rows"], row["hash"]) for row in pipeline.query(" union all ".join(each))}


READ_BY_PEOPLE = """
    select if(table_catalog = 'marts', 'marts', table_schema) as schema, table_name as name
    from information_schema.tables
    where
        (table_catalog, table_schema) = ('marts', 'main')
        or table_schema = 'quarantine'
        or table_name = 'row_accounting'
    order by all
"""


def except_all(pipeline: Pipeline, actual: str, expected: str) -> list[str]:
    return [
        f"{expected} {word} {row}"
        for word, one, other in (
            ("lacks", expected, actual),
            ("should not have", actual, expected),
        )
        for row in pipeline.query(f"from {one} except all from {other} limit 3")
    ]


# ---- which rows land when ----------------------------------------------------------------------------------


def cut(whole: World, count: int, seed: int) -> list[World]:
    """The world's rows and some more rows in this many batches; a few batches are empty."""
    dice = random.Random(seed)
    numbers = [number for number in range(count) if number in (count - 1, 1) or dice.random() > 0.15]
    batches = [World({table: [] for table in TABLES}, f"{whole.name}: {n}") for n in range(count)]
    for workspace_id, rows in by_workspace(whole).items():
        arrivals = dice.choice(ARRIVALS)(dice, rows, len(numbers))
        for (table, row), arrival in zip(rows, arrivals, strict=True):
            batches[numbers[arrival]].tables[table].append(row)
        for number in numbers[1:] if workspace_id else ():
            for _ in range(dice.choice((0, 1, 1, 2))):
                table, row = follow_up(dice, rows)
                batches[number].tables[table].append(row)
    return batches


def by_workspace(whole: World) -> dict[str | None, list[Placed]]:
    """A row that cannot be read belongs to no workspace."""
    found: dict[str | None, list[Placed]] = defaultdict(list)
    for table, rows in whole.tables.items():
        for row in rows:
            found[row and row["workspace_id"]].append((table, row))
    return found


def at_once_and_then_singly(dice: random.Random, rows: list[Placed], count: int) -> list[int]:
    """The history lands at once, except a few rows: each lands in a batch of its own. Each table is equally
    likely."""
    arrivals = [0] * len(rows)
    for number in range(1, count):
        table = dice.choice(sorted({table for table, _ in rows}))
        candidates = [index for index, (name, _) in enumerate(rows) if name == table]
        arrivals[dice.choice(candidates)] = number if dice.random() < 0.7 else 0
    return arrivals


def by_the_clock(dice: random.Random, rows: list[Placed], count: int) -> list[int]:
    """Each row on its day."""
    moments = [moment_of(table, row) for table, row in rows]
    days = sorted(dice.choice(moments) for _ in range(count - 1))
    return [bisect(days, moment) for moment in moments]


def by_the_clock_or_late(dice: random.Random, rows: list[Placed], count: int) -> list[int]:
    arrivals = by_the_clock(dice, rows, count)
    return [dice.randrange(arrival, count) if dice.random() < 0.2 else arrival for arrival in arrivals]


def by_the_table(dice: random.Random, rows: list[Placed], count: int) -> list[int]:
    """Each table lands at once, early or late: then everything that depends on it changes."""
    numbers = {table: dice.randrange(count) for table in TABLES}
    return [numbers[table] for table, _ in rows]


def definitions_change(dice: random.Random, rows: list[Placed], count: int) -> list[int]:
    """First the rows of what people did land; then, row by row, the definitions that count them."""
    return [dice.randrange(count) if table in DEFINITIONS else 0 for table, _ in rows]


def at_random(dice: random.Random, rows: list[Placed], count: int) -> list[int]:
    return [dice.randrange(count) for _ in rows]


ARRIVALS: tuple[Callable[[random.Random, list[Placed], int], list[int]], ...] = (
    *(at_once_and_then_singly,) * 4,
    by_the_clock,
    by_the_clock_or_late,
    by_the_clock_or_late,
    by_the_table,
    definitions_change,
    at_random,
)


def moment_of(table: str, row: Row | None) -> datetime:
    """When the row could have landed at the earliest."""
    for column in ("received_at", "observed_at", "occurred_at", "sent_at", "entered_at", "updated_at"):
        moment = read_time(row[column]) if row and row.get(column) else None
        if moment:
            return moment
    return EARLY


# ---- what follows: corrections, versions, more of the same -------------------------------------------------


def follow_up(dice: random.Random, rows: list[Placed]) -> Placed:
    """A row made from others of the workspace: the same key again (a correction, mostly one that becomes
    valid), a new key (one more, or another version), or an exact duplicate."""
    table = dice.choice(sorted({table for table, _ in rows}))
    own = [row for name, row in rows if name == table]
    row, donor = dice.choice(own), dice.choice(own)
    draw = dice.random()
    if draw < 0.1:
        return table, row
    times = [moment_of(*each) for each in rows]
    changes = CHANGES[table](dice, row, donor, lambda: moment_near(dice, times))
    chosen = dice.sample(sorted(changes), min(len(changes), dice.choice((1, 1, 2, 9))))
    changed = row | {column: changes[column] for column in chosen}
    if draw < 0.6 or table == "workspaces":
        sequence = dice.choice(("3", "4", "5", None)) if dice.random() < 0.9 else "?"
        return table, changed | {"sequence": sequence}
    return table, changed | another_key(dice, table, row, lambda: moment_near(dice, times))


def moment_near(dice: random.Random, times: list[datetime]) -> str:
    days = dice.choice((0, 0, 0, 1, -1, 7, -100))
    return (dice.choice(times) + timedelta(days, microseconds=dice.choice(MICROSECONDS))).isoformat()


def another_key(dice: random.Random, table: str, row: Row, moment: Callable[[], str]) -> dict:
    key = TABLES[table].key[-1]
    if key.type == "time" and (table != "goals" or dice.random() < 0.7):
        return {key.name: moment()}
    id = TABLES[table].key[1].name
    return {id: f"{row[id]}{dice.choice('abc')}"}


PROFILES = ("p1", "p2", "p'3", "p4")
METRICS = (*("sent",) * 3, *("bounced",) * 2, "failed", "delivered", *("opened",) * 2, "clicked", "converted")

# By table: what can change, and to what. `moment` gives the text of a time near those of other rows.
CHANGES: dict[str, Callable[[random.Random, Row, Row, Callable[[], str]], dict]] = {
    "workspaces": lambda dice, row, donor, moment: {
        "time_zone": dice.choice((*sorted(CLOCK_CHANGES), *("Amsterdam",) * 3)),
        "currency": dice.choice(("EUR", None)),
        "data_start_at": dice.choice((None, moment())),
        "name": "Another name",
    },
    "profile_snapshots": lambda dice, row, donor, moment: {
        "properties": donor.get("properties"),
        "profile_id": dice.choice(PROFILES),  # of its key: another person's, then
        "is_deleted": dice.choice(("true", None)),
    },
    "profile_changes": lambda dice, row, donor, moment: {
        "properties": donor.get("properties"),
        "profile_id": dice.choice(PROFILES),
        "changed_at": moment(),
        "is_deleted": dice.choice(("true", None)),
    },
    "events": lambda dice, row, donor, moment: {
        "profile_id": dice.choice(PROFILES),
        "name": donor.get("name"),
        "properties": donor.get("properties"),
        "occurred_at": dice.choice((moment(), moment(), moment(), "2031-05-01")),
        "received_at": dice.choice((None, moment(), moment())),
    },
    "sources": lambda dice, row, donor, moment: {
        "trigger_filter": donor.get("trigger_filter"),
        "exit_condition": dice.choice(("never", "goal", "unmatched", "goal_or_unmatched")),
        "exit_goal_id": donor.get("exit_goal_id"),
        "status": dice.choice(("active", "deleted")),
        "name": "Another name",
    },
    "journeys": lambda dice, row, donor, moment: {
        "profile_id": dice.choice(PROFILES),
        "source_id": donor.get("source_id"),
        "entered_at": moment(),
        "finished_at": dice.choice((None, moment())),
        "trigger_properties": donor.get("trigger_properties"),
    },
    "deliveries": lambda dice, row, donor, moment: {
        "profile_id": dice.choice(PROFILES),
        "source_id": donor.get("source_id"),
        "journey_id": donor.get("journey_id"),
        "channel": donor.get("channel"),
        "sent_at": dice.choice((None, moment(), moment())),
        "is_anonymous": dice.choice(("true", None)),
        "is_holdout": dice.choice(("true", None)),
        "message_id": dice.choice(("m1", None)),
    },
    "engagements": lambda dice, row, donor, moment: {
        "delivery_id": donor.get("delivery_id"),
        "metric": dice.choice(METRICS),
        "occurred_at": moment(),
        "is_machine": dice.choice(("true", None)),
    },
    "segments": lambda dice, row, donor, moment: {
        "filter": dice.choice((donor.get("filter"), '{"property": "plan", "op": "eq", "value": "paid"}')),
    },
    "goals": lambda dice, row, donor, moment: {
        "definition": changed_definition(dice, row.get("definition"), donor.get("definition")),
    },
    "funnels": lambda dice, row, donor, moment: {
        "goal_ids": donor.get("goal_ids"),
        "window_days": dice.choice((None, "7")),
    },
    "holdouts": lambda dice, row, donor, moment: {"arm": donor.get("arm"), "assigned_at": moment()},
    "experiments": lambda dice, row, donor, moment: {
        "goal_ids": donor.get("goal_ids"),
        "source_id": donor.get("source_id"),
        "covariate": dice.choice(("score", "plan", None)),
        "alpha": dice.choice(("0.2", None)),
    },
}


def changed_definition(dice: random.Random, own: str | None, other: str | None) -> str | None:
    """One part of the definition from another goal; its status; its sources."""
    try:
        definition, donor = json.loads(own or "{}"), json.loads(other or "{}")
    except ValueError:
        return other
    if not isinstance(definition, dict) or not isinstance(donor, dict):
        return other
    key = dice.choice(
        ("status", "sources", "target", "eligibility", "attribution", "impression", "impact", "name")
    )
    changed = {
        "status": dice.choice(("active", "archived", "deleted")),
        "sources": dice.choice((donor.get("sources"), [], ["c1"], ["c1", "c2"])),
        "target": donor.get("target"),
        "eligibility": donor.get("eligibility"),
        "attribution": donor.get("attribution"),
        "impact": changed_impact(dice, definition.get("impact")),
        "impression": dice.choice(("sent", "delivered")),
        "name": "Another name",
    }
    if dice.random() < 0.1:
        key = "definition_policy"
        changed[key] = dice.choice(("locked", "versioned", "retroactive"))
    return json.dumps(definition | {key: changed[key]})


def changed_impact(dice: random.Random, impact: dict | None) -> dict | None:
    """Another property that names the currency, or none."""
    return impact and impact | {"currency_property": dice.choice(("currency", "plan", None))}
