"""Increments equal a full refresh: after every batch, each mart and quarantine table, row for row.

Worlds land in random batches (increments.py): in order, late, corrected, twice, none at all; runs fail
half-way and are repeated (test_kill.py kills them). After every batch everything is compared with the
reference, and what would be published with the sums of all rows; after the last also, by `except all`, with a
full refresh of the same files, which takes longer (in the long mode after some others too).

`make test` tries one story, the long mode as many as you request (CONTRIBUTING.md). A failure names its seed.
"""

import os
import random
import shutil
from contextlib import closing
from datetime import datetime
from pathlib import Path

import pytest
from hypothesis import HealthCheck, Phase, example, given, settings, strategies
from increments import (
    cut,
    fail,
    land_in_batches,
    unlike_a_full_refresh,
    unlike_the_reference,
    wrongly_published,
)
from pipeline import Pipeline
from scenarios import Story
from worlds import merged, world, write

from orchestration import runs
from orchestration.landing import land_new_files
from orchestration.warehouse import connect

STORIES = int(os.environ.get("GOALPOST_BATCHES", "0"))
WORLDS = 60 if STORIES else 30  # with 30, each way to arrive (increments.py) comes three times


@settings(
    max_examples=STORIES or 1,
    deadline=None,
    phases=[Phase.generate if STORIES else Phase.explicit],  # a seed does not shrink
    suppress_health_check=list(HealthCheck),
    print_blob=True,
)
@given(seed=strategies.integers(0, 2**31))
@example(seed=235)  # four batches: a failed run, failed runs, then more files, and two undisturbed
def test_after_every_batch_the_marts_equal_a_full_refresh(seed, tmp_path_factory):
    home = tmp_path_factory.mktemp("increments")
    dice = random.Random(seed)
    changes = dice.random() < 0.7
    batches = cut(merged(world(seed + number, changes) for number in range(WORLDS)), dice.randint(4, 7), seed)
    for batch in land_in_batches(batches, seed, home / "home"):
        found = unlike_the_reference(batch) + wrongly_published(batch)
        if batch.number == len(batches) - 1 or (STORIES and dice.random() < 0.2):
            found += unlike_a_full_refresh(batch.pipeline, home / f"refreshed {batch.number}")
        assert not found, f"seed {seed}, {batch} of {len(batches)}:\n" + "\n".join(found)
    shutil.rmtree(home)


# ---- the watermark -----------------------------------------------------------------------------------------

NOON = datetime(2024, 6, 1, 12)


def watermark(pipeline: Pipeline) -> int:
    (row,) = pipeline.query("from control.watermark")
    return row["file_id"]


def land(pipeline: Pipeline, name: str, *lines: tuple[str, dict]) -> None:
    story = Story("one")
    for table, columns in lines:
        story.land(table, **columns)
    write(story.world, pipeline.settings.home / name)
    for table in {table for table, _ in lines}:
        (pipeline.landing / table).mkdir(parents=True, exist_ok=True)
        (pipeline.settings.home / name / table).rename(pipeline.landing / table / name)


def purchase(at: str, event_id: str = "e1") -> tuple[str, dict]:
    return "events", {"event_id": event_id, "profile_id": "ann", "name": "purchase", "occurred_at": at}


GOAL = (
    "goals",
    {
        "goal_id": "g",
        "updated_at": "2024-01-01",
        "definition": {"target": {"event": {"name": "purchase"}}, "measurement_window_days": 7},
    },
)


def achieved(pipeline: Pipeline) -> list[datetime]:
    rows = pipeline.query("select achieved_at from marts.fct_achievements order by all")
    return [row["achieved_at"] for row in rows]


def newest_file(pipeline: Pipeline) -> int:
    (row,) = pipeline.query("select max(file_id) as file_id from raw.files")
    return row["file_id"]


def test_the_watermark_moves_with_success_only_and_a_row_stamped_in_the_future_stalls_nothing(tmp_path):
    pipeline = Pipeline(tmp_path)
    land(pipeline, "one", GOAL, purchase("2999-01-01"), purchase("2024-03-01", "e2"))
    fail(pipeline, NOON, random.Random(21))  # after some models
    assert watermark(pipeline) == 0
    pipeline.run(NOON)
    before = watermark(pipeline)
    assert before == newest_file(pipeline)

    land(pipeline, "two", purchase("2024-02-01", "e3"), purchase("2024-03-02"))
    fail(pipeline, NOON, random.Random(8))
    assert watermark(pipeline) == before < newest_file(pipeline)
    pipeline.run(NOON)
    assert watermark(pipeline) == newest_file(pipeline)
    assert achieved(pipeline) == [datetime(2024, 2, 1), datetime(2024, 3, 1), datetime(2024, 3, 2)]


@pytest.fixture
def started(tmp_path: Path) -> Pipeline:
    """Built, but the run is not finished."""
    pipeline = Pipeline(tmp_path)
    land(pipeline, "one", GOAL, purchase("2024-03-01"))
    run = runs.start_run(pipeline.settings, "one", as_of=NOON, full_refresh=False)
    land_new_files(pipeline.settings)
    runs.open_increment(pipeline.settings, run)
    pipeline.dbt(
        "build",
        "--select",
        "+int_definitions",
        "--exclude-resource-type",
        "test",
        "--exclude-resource-type",
        "unit_test",
    )
    with closing(connect(pipeline.settings)) as connection:
        connection.execute("create table intermediate.int_fact_months as from control.built_fact_months")
    runs.record_build(pipeline.settings, "one")
    return pipeline


def outcomes(pipeline: Pipeline) -> list[str]:
    return [row["outcome"] for row in pipeline.query("select outcome from control.runs order by started_at")]


def test_the_watermark_moves_in_the_transaction_of_the_runs_outcome(started, monkeypatch):
    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
        patch.setattr(runs, "move_watermark", interrupted)
        runs.finish_run(started.settings, "one", "succeeded")
    assert (outcomes(started), watermark(started)) == (["running"], 0)

    runs.finish_run(started.settings, "one", "succeeded")
    assert (outcomes(started), watermark(started)) == (["succeeded"], newest_file(started))


def test_a_run_that_built_only_some_models_does_not_move_the_watermark(started):
    with closing(connect(started.settings)) as connection:
        connection.execute("update control.runs set built_file_id = null")
    runs.finish_run(started.settings, "one", "succeeded")
    assert (outcomes(started), watermark(started)) == (["succeeded"], 0)


def interrupted(connection, built_file_id: int) -> None:
    connection.execute("update control.watermark set file_id = 99")
    raise KeyboardInterrupt


def test_a_run_that_failed_does_not_move_the_watermark_nor_does_its_end(started):
    for outcome in ("failed", "succeeded"):
        runs.finish_run(started.settings, "one", outcome)
        assert (outcomes(started), watermark(started)) == (["failed"], 0)


def test_a_watermark_never_goes_back(started):
    with closing(connect(started.settings)) as connection:
        connection.execute("update control.watermark set file_id = 99")
    runs.finish_run(started.settings, "one", "succeeded")
    assert watermark(started) == 99
