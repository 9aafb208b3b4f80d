"""A part built alone leaves every mart as it was, or refuses: dbt by hand, any selection, between the runs of
random worlds that land in batches (increments.py). After the next run every mart equals the reference.

dbt_project/macros/increment.sql decides what may be built, orchestration/changes.py what the next run does
about it.
"""

import os
import random
import re
from contextlib import closing
from datetime import datetime
from pathlib import Path

import pytest
from increments import Landing, contents, cut, fail, in_order_of_building
from pipeline import Pipeline, manifest
from reference import compute
from scenarios import Story
from test_worlds import unlike
from worlds import as_of, merged, world, write

from orchestration.landing import land_new_files
from orchestration.settings import DBT_PROJECT
from orchestration.warehouse import connect

BATCHES = int(os.environ.get("GOALPOST_BATCHES", "0"))
SEEDS = [1, *(random.randrange(2**31) for _ in range(BATCHES))]
WITHOUT_UNIT_TESTS = ("--exclude-resource-type", "unit_test")
REFUSALS = (
    "cannot be built from scratch alone",
    "which the last run has not built",
)
NOON = datetime(2024, 6, 10, 12)


@pytest.mark.parametrize("seed", SEEDS)
def test_a_part_built_alone_leaves_every_mart_as_it_was_or_refuses(seed, tmp_path):
    print(f"seed {seed}")
    dice = random.Random(seed)
    pipeline = Pipeline(tmp_path)
    landing = Landing(pipeline.landing)
    pipeline.landing.mkdir(parents=True)
    worlds = merged(world(dice.randrange(2**31)) for _ in range(6))
    built = 0
    # By default two increments, with a failed run before the second; in the long mode a full refresh between.
    for number, batch in enumerate(cut(worlds, 4 if BATCHES else 3, seed)):
        landing.add(batch, number, dice)
        clock = as_of(dice.random())
        if number and dice.random() < 0.5:
            fail(pipeline, clock, dice)
            build_parts(pipeline, dice)  # whatever state that leaves, the next run corrects it
        pipeline.run(clock, *(["--full-refresh"] if BATCHES and number == 2 else []))
        assert unlike(compute(landing.rows, clock), pipeline) == [], f"seed {seed}, batch {number}"
        before = contents(pipeline)
        built += build_parts(pipeline, dice)
        assert contents(pipeline) == before, f"seed {seed}, batch {number}"
    assert built  # else the test shows nothing


def build_parts(pipeline: Pipeline, dice: random.Random) -> int:
    """Builds a few parts; returns how many were built, not refused."""
    built = 0
    for _ in range(4):
        arguments = ["build", *WITHOUT_UNIT_TESTS, "--select", *a_selection(dice)]
        if dice.random() < 0.3:
            arguments.append("--full-refresh")
        try:
            pipeline.dbt(*arguments)
            built += 1
        except AssertionError as error:
            assert any(refusal in str(error) for refusal in REFUSALS), f"{arguments}: {error}"
    return built


def a_selection(dice: random.Random) -> list[str]:
    models = [model.name for model in in_order_of_building()]
    return [
        ("+" if dice.random() < 0.3 else "") + name + ("+" if dice.random() < 0.4 else "")
        for name in dice.sample(models, dice.choice((1, 1, 2, 3)))
    ]


# ---- cases that occurred -----------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def story(tmp_path_factory) -> Pipeline:
    """Built whole. Thirty purchases after a mail."""
    pipeline = Pipeline(tmp_path_factory.mktemp("home"))
    land(pipeline, 0)
    pipeline.run(NOON)
    return pipeline


@pytest.fixture(scope="module")
def later_story(story, tmp_path_factory) -> Pipeline:
    """Five more purchases have landed since."""
    later = copy(story, tmp_path_factory.mktemp("later"))
    land(later, 30)
    later.run(NOON)
    return later


@pytest.fixture
def whole(story, tmp_path) -> Pipeline:
    return copy(story, tmp_path / "copy")


@pytest.fixture
def increment(later_story, tmp_path) -> Pipeline:
    return copy(later_story, tmp_path / "copy")


def copy(pipeline: Pipeline, home: Path) -> Pipeline:
    """With an empty landing."""
    copied = Pipeline(home)
    pipeline.copy_databases(copied)
    copied.landing.mkdir()
    return copied


def land(pipeline: Pipeline, first: int) -> None:
    story = Story("w")
    if not first:
        story.goal()
        story.segment("gold", {"property": "x", "op": "eq", "value": "gold"})
        for number in range(30):
            story.delivery(f"d{number}", "2024-03-01T08:00:00", person=f"p{number}")
    for number in range(first, first + (5 if first else 30)):
        story.event(
            "purchase",
            f"2024-03-0{2 + bool(first)}T10:00:00",
            person=f"p{number % 30}",
            event_id=f"e{number}",
        )
    write(story.world, pipeline.landing / "events.part", files_per_table=1, formats=("jsonl",), seed=first)
    for file in sorted((pipeline.landing / "events.part").rglob("*.jsonl")):
        place = (
            pipeline.landing / file.relative_to(pipeline.landing / "events.part").parent / f"{first}.jsonl"
        )
        place.parent.mkdir(parents=True, exist_ok=True)
        file.replace(place)


def refusal(pipeline: Pipeline, *arguments: str) -> str:
    with pytest.raises(AssertionError) as raised:
        pipeline.dbt(*arguments)
    return re.sub(r"\s+", " ", str(raised.value))


def test_after_a_full_refresh_a_fact_and_what_follows_it_are_built_whole_again(whole):
    before = contents(whole)
    whole.dbt("build", *WITHOUT_UNIT_TESTS, "--select", "fct_achievements+")
    assert contents(whole) == before
    assert len(whole.mart("fct_achievements")) == 30


def test_after_an_increment_the_same_increment_is_built_again(increment):
    before = contents(increment)
    increment.dbt("build", *WITHOUT_UNIT_TESTS, "--select", "fct_achievements+")
    assert contents(increment) == before
    assert len(increment.mart("fct_achievements")) == 35


def test_after_an_increment_a_part_is_not_built_from_scratch_out_of_the_increment(increment):
    before = contents(increment)
    assert (
        "fct_touches cannot be built from scratch alone, because int_touch_credits holds only what the last "
        "run computed: `goalpost run --full-refresh` builds everything."
    ) in refusal(increment, "run", "--full-refresh", "--select", "fct_touches")
    assert contents(increment) == before


def test_what_reads_whole_tables_alone_is_built_from_scratch_at_any_time(increment):
    before = contents(increment)
    increment.dbt("run", "--full-refresh", "--select", "fct_conversions", "rpt_goal_funnel", "dim_profiles")
    assert contents(increment) == before


def test_rows_that_landed_since_the_last_run_wait_for_the_next(increment):
    before = contents(increment)
    land(increment, 35)
    land_new_files(increment.settings)
    increment.dbt("run", "--select", "+fct_achievements+")
    increment.dbt("run", "--full-refresh", "--select", "base_events")
    assert contents(increment) == before
    increment.run(NOON)
    assert len(increment.mart("fct_achievements")) == 40


def test_after_a_failed_run_a_part_does_not_read_what_that_run_did_not_build(increment):
    land(increment, 35)
    dice = random.Random(1)
    fail(increment, NOON, dice)
    with closing(connect(increment.settings)) as connection:
        connection.execute("update control.built_models set increment_id = 1 where model = 'fct_enrollments'")
    assert (
        "fct_conversions reads fct_enrollments, which the last run has not built: "
        "`goalpost run` continues where that run stopped."
    ) in refusal(increment, "run", "--select", "fct_conversions")


def test_a_table_that_was_dropped_is_built_from_scratch_or_refused(increment):
    before = contents(increment)
    with closing(connect(increment.settings)) as connection:
        connection.execute("drop table marts.fct_conversions")
    increment.dbt("run", "--select", "fct_conversions")
    assert contents(increment) == before
    with closing(connect(increment.settings)) as connection:
        connection.execute("drop table marts.fct_achievements")
    assert "because int_achievements holds only" in refusal(increment, "run", "--select", "fct_achievements")


def test_dbt_build_by_hand_builds_the_increment_again_and_with_full_refresh_everything(increment):
    before = contents(increment)
    increment.dbt("run")
    assert contents(increment) == before
    increment.dbt("run", "--full-refresh")
    assert contents(increment) == before
    increment.dbt("run", "--select", "fct_touches", "--full-refresh")  # now out of everything
    assert contents(increment) == before


def test_the_query_of_a_mart_is_shown_whole_or_not_at_all(increment):
    increment.dbt("show", "--select", "fct_conversions")
    assert "dbt show --inline \"select * from {{ ref('fct_achievements') }}\"" in refusal(
        increment, "show", "--select", "fct_achievements"
    )


def test_every_table_that_holds_an_increment_says_so():
    """A model that uses the rows of an increment, or reads a table that holds one, keeps its own rows or
    holds an increment itself; and a model that holds one does not keep rows."""
    nodes = manifest(DBT_PROJECT).nodes
    models = {name: node for name, node in nodes.items() if node.resource_type == "model"}
    scopes = {"macro.goalpost.affected_rows", "macro.goalpost.recounted_rows"}
    for node in models.values():
        meta, keys = node.config.meta, node.config.unique_key
        keeps = bool(keys or meta.get("recompute_from") or meta.get("recompute_where"))
        inputs = [models[name] for name in node.depends_on.nodes if name in models]
        uses = scopes & set(node.depends_on.macros) or any(
            each.config.meta.get("holds") == "increment" for each in inputs
        )
        if meta.get("holds") != "scope":
            assert bool(uses and not keeps) is (meta.get("holds") == "increment"), node.name
