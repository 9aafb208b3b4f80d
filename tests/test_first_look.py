"""A user pins the clock of a real home and runs the pipeline: what the user sees, and which files remain."""

import json
import subprocess
from contextlib import closing
from importlib.metadata import version
from pathlib import Path

import pytest
from homes import GOAL, LANDED
from test_modes import goalpost, mode, open_to_others

from orchestration.settings import Settings
from orchestration.warehouse import connect

PINNED = "The clock of this home is pinned: every run counts until 2026-02-01 00:00:00 UTC."
PERSON = "ann.of.the.examples@example.org"
OF_VALUE = GOAL | {
    "definition": GOAL["definition"] | {"impact": {"currency": "USD", "event_property": "total"}}
}
LANDED_HERE = LANDED | {
    "goals/g.jsonl": json.dumps(OF_VALUE) + "\n",
    "events/e.csv": f"workspace_id,event_id,profile_id,name,occurred_at\nw,e1,{PERSON},purchase,2026-01-03\n",
}


class Home:
    def __init__(self, folder: Path):
        self.path, self.landing = folder / "a" / "home", folder / "landing"
        for path, content in LANDED_HERE.items():
            (self.landing / path).parent.mkdir(parents=True, exist_ok=True)
            (self.landing / path).write_text(content)

    @property
    def settings(self) -> Settings:
        return Settings(home=self.path, landing=str(self.landing))

    def goalpost(self, *arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
        """By a user whose umask is 0."""
        return goalpost(self.path, *arguments, **{"GOALPOST_LANDING": str(self.landing)} | environment)


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Home:
    return Home(tmp_path_factory.mktemp("first look"))


@pytest.fixture(scope="module")
def first_run(home: Home) -> str:
    assert PINNED in home.goalpost("clock", "pin", "2026-02-01").stdout
    return home.goalpost("run").stdout


def test_a_pinned_home_is_told_by_each_run_and_by_status(home: Home, first_run: str):
    assert PINNED in first_run
    assert PINNED in home.goalpost("run").stdout
    status = home.goalpost("status").stdout
    assert PINNED in status and "counts until (as_of): 2026-02-01 00:00:00 UTC" in status
    with closing(connect(home.settings, read_only=True)) as connection:
        ends = connection.execute("select max(period_start)::varchar from marts.rpt_goal_progress").fetchall()
    assert ends == [("2026-02-01",)]


def test_progress_says_how_many_of_how_many_and_counts_the_seconds_before_the_first_step(first_run: str):
    for line in ("Getting ready: done in ", "Landing new files: 5 of 5 files in ", "checks passed in "):
        assert line in first_run
    built = next(line for line in first_run.splitlines() if line.startswith("Building the models: "))
    done, _, total = built.removeprefix("Building the models: ").split()[:3]
    assert int(done) == int(total) > 50


def test_examples_of_a_check_are_shown_to_the_owner_and_are_in_no_log(home: Home, first_run: str):
    status = home.goalpost("status").stdout
    assert "warning marts.fct_achievements.impact_is_known: 1 found, none expected" in status
    assert PERSON in status

    written = [path for folder in ("dagster", "logs") for path in (home.path / folder).rglob("*")]
    assert len(written) > 3
    assert [path for path in written if path.is_file() and PERSON.encode() in path.read_bytes()] == []


def test_nobody_else_may_read_what_a_run_leaves_whatever_the_umask_and_the_marts_by_the_setting(
    home: Home, first_run: str
):
    assert open_to_others(home.path) == []

    # Only the setting changes: the next run, with nothing else to do, applies it.
    home.goalpost("run", GOALPOST_PUBLISHED_MODE="640")
    published = home.settings.published
    folder = home.settings.published_parquet
    assert (mode(home.path), mode(published), mode(folder)) == (0o710, 0o640, 0o750)
    assert {mode(path) for path in folder.glob("*")} == {0o750}
    assert {mode(path) for path in folder.glob("*/*")} == {0o640}
    others = [path for path in home.path.iterdir() if path not in (published, folder)]
    assert [path for path in others if mode(path) & 0o077] == []

    tightened = home.goalpost("run").stdout
    assert "From now on, only you can read" in tightened
    assert open_to_others(home.path) == []


def test_the_version_is_told(home: Home):
    assert home.goalpost("--version").stdout == f"goalpost {version('goalpost')}\n"
