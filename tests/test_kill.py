"""kill -9 in the middle of a load, of dbt and of publishing, each followed by a run: as if nothing had
happened."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import duckdb
from worlds import FORMATS, merged, world, write

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
    log = settings.home / "logs" / "run.log"
    return log.exists() and log.read_text().count("OK created") > 20


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


def test_a_run_after_kills_at_every_step_ends_as_one_that_was_never_killed(tmp_path: Path):
    landing = tmp_path / "landing"
    write(merged(world(seed) for seed in range(20)), landing, files_per_table=3, formats=FORMATS)
    undisturbed = Settings(home=tmp_path / "undisturbed", landing=str(landing))
    killed = Settings(home=tmp_path / "killed", landing=str(landing))
    run(undisturbed)

    kill(killed, is_loading)
    kill(killed, is_building)
    assert not killed.published.exists()
    kill(killed, is_publishing)
    assert "the last run did not finish" in run(killed)

    assert differences(undisturbed, killed) == {}
    assert not list(killed.home.glob("*.unfinished*"))
