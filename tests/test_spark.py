"""Spark gives what the reference says, as DuckDB does (`make test-spark`): at once, in batches, after failed
runs, while a worker is killed; and readers see what a run has checked, and nothing before."""

import os
import random
import signal
import subprocess
import threading
import time
from contextlib import closing
from importlib.util import find_spec
from pathlib import Path

import duckdb
import pytest
from reference import compute
from rich.console import Console
from test_worlds import FORMATS, unlike
from worlds import as_of, merged, world, write

from orchestration.errors import GoalpostError

pytestmark = pytest.mark.skipif(
    "GOALPOST_SPARK" not in os.environ, reason="it needs Spark, and half an hour: make test-spark"
)
WORLDS = 40
STORIES = int(os.environ.get("GOALPOST_BATCHES", "1"))
DISTURBANCES = (None, "a run again", "a failed run", "failed runs, then more files")


@pytest.fixture(scope="module")
def port(tmp_path_factory):
    from spark_pipeline import cluster

    with cluster(tmp_path_factory.mktemp("spark")) as port:
        yield port


@pytest.mark.parametrize("seed", range(1000, 1000 + STORIES * WORLDS, WORLDS))
def test_every_mart_on_spark_equals_the_reference(seed, port, tmp_path):
    from spark_pipeline import SparkPipeline

    pipeline, clock = SparkPipeline(tmp_path, port), as_of(seed)
    worlds = merged(world(seed + number) for number in range(WORLDS))
    landed = write(worlds, pipeline.landing, files_per_table=3, formats=FORMATS, seed=seed)
    pipeline.run(clock)
    assert unlike(compute(landed, clock), pipeline) == []


@pytest.mark.parametrize("seed", range(STORIES))
def test_after_every_batch_the_marts_on_spark_equal_the_reference(seed, port, tmp_path, monkeypatch):
    import increments
    from spark_pipeline import SparkPipeline, manifest

    monkeypatch.setattr(increments, "Pipeline", lambda home: SparkPipeline(home, port))
    monkeypatch.setattr(increments, "ERROR", "raise_error")
    monkeypatch.setattr(increments, "manifest", lambda project: manifest(port))
    dice = random.Random(seed)
    batches = increments.cut(merged(world(seed + number) for number in range(15)), dice.randint(3, 5), seed)
    for batch in increments.land_in_batches(batches, seed, tmp_path / "home", DISTURBANCES):
        assert increments.unlike_the_reference(batch) == [], f"seed {seed}, {batch}"


def test_readers_see_a_run_once_it_is_checked_and_never_a_refused_one(port, tmp_path):
    from spark_pipeline import SparkPipeline

    from orchestration.spark.connection import connect

    pipeline, clock = SparkPipeline(tmp_path, port), as_of(1)
    write(world(1), pipeline.landing, files_per_table=1, formats=("jsonl",), seed=1)
    goalpost_run(pipeline, clock)
    first = read_by_duckdb(pipeline, "fct_enrollments")
    assert first
    assert first == [
        tuple(row.values()) for row in pipeline.query(KEYS_OF_ENROLLMENTS.format("marts.fct_enrollments"))
    ]

    write(world(2), pipeline.landing / "later", files_per_table=1, formats=("jsonl",), seed=2)
    for folder in (pipeline.landing / "later").iterdir():
        folder.rename(pipeline.landing / folder.name / "later")
    with connect(pipeline.settings) as spark:
        spark.run("update raw.files set loaded_at = loaded_at + interval '100' day where file_id = 1")
    with pytest.raises(GoalpostError, match="clock_is_not_ahead"):
        goalpost_run(pipeline, clock)
    assert read_by_duckdb(pipeline, "fct_enrollments") == first

    with connect(pipeline.settings) as spark:
        spark.run("update raw.files set loaded_at = loaded_at - interval '100' day where file_id = 1")
    goalpost_run(pipeline, clock)
    assert len(read_by_duckdb(pipeline, "fct_enrollments")) > len(first)


def test_a_run_goes_on_when_a_worker_is_killed_and_both_have_worked(tmp_path):
    from spark_pipeline import SparkPipeline, cluster

    folder = tmp_path / "spark"
    with cluster(folder, workers=2) as port:
        pipeline, clock = SparkPipeline(tmp_path / "home", port), as_of(3)
        worlds = merged(world(3000 + number) for number in range(10))
        landed = write(worlds, pipeline.landing, files_per_table=3, formats=FORMATS, seed=3)
        killed = threading.Thread(target=kill_a_worker_when_built, args=(folder,))
        killed.start()
        pipeline.run(clock)
        killed.join()
        assert unlike(compute(landed, clock), pipeline) == []
    finished = [
        log.read_text().count("Finished task") for log in sorted(folder.glob("worker-*/app-*/*/stderr"))
    ]
    assert len(finished) >= 2
    assert all(count > 50 for count in finished), finished


def kill_a_worker_when_built(folder: Path, table: str = "intermediate.db/int_goal_rules") -> None:
    """Wait for the table, then kill the first worker and its executor, as if the machine were gone."""
    while not (folder / "lake" / table).exists():
        time.sleep(0.2)
    listed = subprocess.run(
        ["ps", "-ww", "-eo", "pid,ppid,args"], capture_output=True, text=True, check=True
    ).stdout
    processes = [line.split(maxsplit=2) for line in listed.splitlines()[1:]]
    [worker] = [pid for pid, _, command in processes if f"--work-dir {folder / 'worker-1'}" in command]
    for pid in (worker, *(pid for pid, parent, _ in processes if parent == worker)):
        os.kill(int(pid), signal.SIGKILL)


def goalpost_run(pipeline, clock) -> None:
    from orchestration.spark.run import run

    run(pipeline.settings, Console(quiet=True), full_refresh=False, as_of=clock)


KEYS_OF_ENROLLMENTS = "select workspace_id, goal_id, profile_id, enrolled_at from {} order by all"


def read_by_duckdb(pipeline, mart: str) -> list[tuple]:
    """The rows of an Iceberg table as DuckDB reads them: no part of Spark is asked."""
    [place] = {
        row["data_type"]
        for row in pipeline.query(f"describe extended marts.{mart}")
        if row["col_name"] == "Location"
    }
    metadata = max(Path(place.removeprefix("file:"), "metadata").glob("*.metadata.json"))
    with closing(duckdb.connect()) as connection:
        connection.execute("set timezone = 'UTC'")
        for extension in ("avro", "iceberg"):
            package = find_spec(f"duckdb_extension_{extension}")
            file = f"extensions/v{duckdb.__version__}/{extension}.duckdb_extension"
            connection.execute(f"load '{Path(package.origin).parent / file}'")
        columns = "workspace_id, goal_id, profile_id, enrolled_at::timestamp"
        return connection.execute(f"select {columns} from iceberg_scan('{metadata}') order by all").fetchall()
