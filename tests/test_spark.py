"""Spark gives what the reference says, as DuckDB does: worlds at once and in batches (`make test-spark`)."""

import os
import random

import pytest
from test_worlds import FORMATS, unlike
from worlds import as_of, merged, world, write

pytestmark = pytest.mark.skipif(
    "GOALPOST_SPARK" not in os.environ, reason="it needs Spark, and an hour: make test-spark"
)
WORLDS = 40
STORIES = int(os.environ.get("GOALPOST_BATCHES", "1"))
PORT = int(os.environ.get("GOALPOST_SPARK_PORT", "10000"))  # of the cluster that `make test-spark` starts


@pytest.mark.parametrize("seed", range(1000, 1000 + STORIES * WORLDS, WORLDS))
def test_every_mart_on_spark_equals_the_reference(seed, tmp_path):
    from reference import compute
    from spark_pipeline import SparkPipeline

    pipeline, clock = SparkPipeline(tmp_path, PORT), as_of(seed)
    worlds = merged(world(seed + number) for number in range(WORLDS))
    landed = write(worlds, pipeline.landing, files_per_table=3, formats=FORMATS, seed=seed)
    pipeline.run(clock)
    assert unlike(compute(landed, clock), pipeline) == []


@pytest.mark.parametrize("seed", range(STORIES))
def test_after_every_batch_the_marts_on_spark_equal_the_reference(seed, tmp_path, monkeypatch):
    import increments
    from spark_pipeline import SparkPipeline

    monkeypatch.setattr(increments, "Pipeline", lambda home: SparkPipeline(home, PORT))
    dice = random.Random(seed)
    batches = increments.cut(merged(world(seed + number) for number in range(15)), dice.randint(3, 4), seed)
    for batch in increments.land_in_batches(batches, seed, tmp_path / "home", (None, "a run again")):
        assert increments.unlike_the_reference(batch) == [], f"seed {seed}, {batch}"
