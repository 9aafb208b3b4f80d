"""`goalpost dev` as a real process: it ends with all its processes, a second one refuses, and a killed run
does not block the next."""

import os
import signal
import sqlite3
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from datetime import datetime
from pathlib import Path

import pytest
from homes import GOALPOST, first_home, first_run, processes, start
from test_interruption import CODES

from orchestration import alerts
from orchestration.lineage import read_lineage
from orchestration.settings import Settings

NOW = datetime(2026, 3, 2, 5)
PATIENCE = 180


@pytest.fixture(scope="module")
def settings(tmp_path_factory: pytest.TempPathFactory) -> Settings:
    return first_home(tmp_path_factory.mktemp("dev"))


class Dev:
    """Started as a script does it with `&`: SIGINT is ignored."""

    def __init__(self, settings: Settings):
        self.settings, self.log = settings, settings.home / "dev.out"
        environment = {"GOALPOST_HOME": str(settings.home), "GOALPOST_LANDING": settings.landing}
        with self.log.open("w") as output:
            self.process = subprocess.Popen(
                [GOALPOST, "dev"],
                env=os.environ | environment,
                stdout=output,
                stderr=subprocess.STDOUT,
                preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_IGN),
            )
        wait(lambda: "Checking for new runs for sensor" in self.log.read_text(), self.log)

    def family(self) -> set[int]:
        """All processes that it started, and their children."""
        parents = processes()
        family, more = set(), {self.process.pid}
        while more:
            more = {pid for pid, parent in parents.items() if parent in more} - family
            family |= more
        return family


def wait(moment: Callable[[], object], log: Path) -> None:
    deadline = time.monotonic() + PATIENCE
    while not moment():
        assert time.monotonic() < deadline, log.read_text()[-4000:]
        time.sleep(0.1)


@pytest.fixture(scope="module")
def dev(settings: Settings) -> Iterator[Dev]:
    """The tests that use it follow one another; the last one kills it."""
    dev = Dev(settings)
    yield dev
    family = dev.family()
    dev.process.kill()
    dev.process.wait()
    assert all_gone(family)


def all_gone(family: set[int]) -> bool:
    deadline = time.monotonic() + 2
    while family & processes().keys() and time.monotonic() < deadline:
        time.sleep(0.05)
    return not family & processes().keys()


def statuses(settings: Settings) -> list[str]:
    with closing(sqlite3.connect(settings.dagster_home / "history" / "runs.db")) as connection:
        return [status for (status,) in connection.execute("select status from runs order by id")]


def land(settings: Settings, name: str) -> None:
    (Path(settings.landing) / "events" / f"{name}.csv").write_text(
        f"workspace_id,event_id,profile_id,name,occurred_at\nw,{name},p,purchase,2026-01-04\n"
    )


def worker(settings: Settings) -> int | None:
    """The process that works for the run that Dagster started: it holds the writer's lock."""
    told = settings.writer_lock.read_text().split()
    return int(told[1]) if "Dagster" in told else None


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_ends_it_whole_within_seconds_though_a_script_started_it(number: int, settings: Settings):
    dev = Dev(settings)
    family = dev.family()
    dev.process.send_signal(number)
    assert dev.process.wait(timeout=10) == CODES[number]
    assert all_gone(family)
    assert not [each for each in alerts.find_incidents(settings, NOW) or [] if each.key == "dev"]
    assert dev.log.read_text().endswith(
        "goalpost: stopped. A run that was not done yet is carried on by the next one.\n"
    )
    assert "Traceback" not in dev.log.read_text()


def test_before_it_starts_columns_are_traced_to_the_columns_that_they_are_computed_from(
    dev: Dev, settings: Settings, tmp_path_factory: pytest.TempPathFactory
):
    before, _ = first_run(tmp_path_factory.getbasetemp())
    assert read_lineage(before) == {}
    columns = read_lineage(settings)["model.goalpost.fct_conversions"]
    assert columns["impact_value"] == [["model.goalpost.fct_achievements", "impact_value"]]


def test_a_second_one_on_the_same_home_hears_of_the_first(dev: Dev, settings: Settings):
    second = start(settings, "dev")
    output, errors = second.communicate(timeout=30)
    assert (second.returncode, output) == (1, "")
    assert f"runs on {settings.home} already: process {dev.process.pid} (goalpost dev), since 20" in errors


def test_a_killed_run_holds_up_neither_the_next_nor_the_command_line(dev: Dev, settings: Settings):
    land(settings, "killed")
    wait(lambda: worker(settings), dev.log)
    beside = start(settings, "run")
    output, errors = beside.communicate(timeout=60)
    assert (beside.returncode, output) == (1, "")
    assert f"is being written by process {worker(settings)} (a run that Dagster started), since 20" in errors

    killed = len(statuses(settings)) - 1
    os.kill(worker(settings) or 0, signal.SIGKILL)
    wait(lambda: statuses(settings)[killed] == "FAILURE", dev.log)
    land(settings, "next")
    wait(lambda: is_over(settings, killed), dev.log)


@pytest.mark.long  # test_load.py kills both too
def test_a_run_whose_code_server_is_killed_with_it_does_not_hold_up_the_next(dev: Dev, settings: Settings):
    before = len(statuses(settings))
    land(settings, "both killed")
    wait(lambda: worker(settings), dev.log)
    listed = subprocess.run(["ps", "-axo", "pid=,args="], capture_output=True, text=True, check=True).stdout
    servers = [int(line.split()[0]) for line in listed.splitlines() if " api grpc " in line]
    for pid in [worker(settings) or 0, *(dev.family() & set(servers))]:
        os.kill(pid, signal.SIGKILL)
    land(settings, "next but one")
    wait(lambda: is_over(settings, before), dev.log)


def is_over(settings: Settings, killed: int) -> bool:
    """The run failed, and those after it succeeded: it starts once more, and so may one for the next file."""
    first, *others = statuses(settings)[killed:] or [None]
    return first == "FAILURE" and {*others} == {"SUCCESS"}


def test_after_a_kill_of_the_parent_nothing_goes_on(dev: Dev):
    family = dev.family()
    assert len(family) >= 5
    dev.process.kill()
    dev.process.wait()
    assert all_gone(family)
