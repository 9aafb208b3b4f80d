"""kill -9 in the middle of a load, of dbt and of publishing, in the first run and in increments, then a run:
as if nothing had happened."""

import os
import random
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import duckdb
import pytest
from homes import read_models
from increments import Landing, cut, unlike_a_full_refresh
from pipeline import Pipeline
from reference import compute
from test_worlds import unlike
from worlds import World, merged, world

from orchestration.runs import read_moment
from orchestration.settings import Settings

GOALPOST = Path(sys.executable).with_name("goalpost")
AS_OF = "2024-06-01T00:00:00Z"


def start(settings: Settings) -> subprocess.Popen[str]:
    environment = {"GOALPOST_HOME": str(settings.home), "GOALPOST_LANDING": settings.landing}
    return subprocess.Popen(
        [GOALPOST, "run", "--as-of", AS_OF],
        env=os.environ | environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )


def run(settings: Settings) -> str:
    running = start(settings)
    output, _ = running.communicate(timeout=600)
    assert running.returncode == 0, output
    return output


def kill(settings: Settings, moment: Callable[[Settings], bool]) -> None:
    """Kill a run as soon as the moment has come. The moment must come."""
    (settings.logs / "run.log").unlink(missing_ok=True)  # of the run before
    running = start(settings)
    while running.poll() is None and not moment(settings):
        time.sleep(0.001)
    running.kill()
    output, _ = running.communicate()
    assert running.returncode == -signal.SIGKILL, f"It ended before the moment came:\n{output}"


def is_loading(settings: Settings) -> bool:
    """Some files are loaded, and one is being written."""
    log = settings.warehouse.with_name("warehouse.duckdb.wal")
    return log.exists() and log.stat().st_size > 100_000


def is_building(settings: Settings) -> bool:
    """Some models are built."""
    log = settings.logs / "run.log"
    return log.exists() and log.read_text().count("OK created") > 30


def is_publishing(settings: Settings) -> bool:
    return any(settings.home.glob("marts.duckdb.unfinished*"))


def differences(one: Settings, other: Settings) -> dict[str, int]:
    """Rows per mart that only one of them has; `except all` sees duplicates."""
    with duckdb.connect() as connection:
        for name, settings in (("one", one), ("other", other)):
            connection.execute(f"attach '{settings.published}' as {name} (read_only)")
        marts = connection.execute(
            "select distinct table_name from information_schema.tables "
            "where table_catalog in ('one', 'other') and table_schema = 'main'"
        ).fetchall()
        found = {
            mart: connection.execute(
                f"select count(*) from ((from one.{mart} except all from other.{mart}) "
                f"union all (from other.{mart} except all from one.{mart}))"
            ).fetchall()[0][0]
            for (mart,) in marts
        }
        counts = connection.execute("select count(*) from one.fct_achievements").fetchall()[0][0]
    assert counts > 0, "the worlds must have something to lose"
    return {mart: rows for mart, rows in found.items() if rows}


@pytest.fixture(scope="module")
def pipeline(tmp_path_factory: pytest.TempPathFactory) -> Pipeline:
    """The tests follow one another."""
    pipeline = Pipeline(tmp_path_factory.mktemp("killed") / "home")
    read_models(pipeline.settings, tmp_path_factory.getbasetemp())
    return pipeline


@pytest.fixture(scope="module")
def landing(pipeline: Pipeline) -> Landing:
    return Landing(pipeline.landing)


@pytest.fixture(scope="module")
def batches() -> list[World]:
    batches = cut(merged(world(seed) for seed in range(20)), 2, seed=2)
    assert all(batch.size for batch in batches)
    return batches


def test_a_run_after_kills_at_every_step_ends_as_one_that_was_never_killed(
    pipeline: Pipeline, landing: Landing, batches: list[World], tmp_path: Path
):
    settings = pipeline.settings
    landing.add(batches[0], 0, random.Random(0))
    kill(settings, is_loading)
    kill(settings, is_building)
    assert not settings.published.exists()
    kill(settings, is_publishing)
    assert "the last run did not finish" in run(settings)

    assert unlike(compute(landing.rows, read_moment(AS_OF)), pipeline) == []
    assert not list(settings.home.glob("*.unfinished*"))
    as_built = Settings(home=tmp_path)
    shutil.copyfile(settings.warehouse_marts, as_built.published)
    assert differences(settings, as_built) == {}


def test_an_increment_that_is_killed_is_made_by_the_next_run(
    pipeline: Pipeline, landing: Landing, batches: list[World], tmp_path: Path
):
    landing.add(batches[1], 1, random.Random(1))
    kill(pipeline.settings, is_building)
    run(pipeline.settings)

    assert unlike(compute(landing.rows, read_moment(AS_OF)), pipeline) == []
    assert unlike_a_full_refresh(pipeline, tmp_path) == []
