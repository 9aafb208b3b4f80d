"""Who may read what: whatever the umask, only the owner, except the published files."""

import os
import stat
import subprocess
from contextlib import contextmanager
from pathlib import Path

import pytest
from homes import GOALPOST

from orchestration import modes
from orchestration.publish import publish
from orchestration.settings import Settings
from orchestration.warehouse import connect


@contextmanager
def umask(mask: int):
    before = os.umask(mask)
    try:
        yield
    finally:
        os.umask(before)


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def open_to_others(folder: Path) -> list[str]:
    found = [folder, *folder.rglob("*")]
    return [str(path) for path in found if not path.is_symlink() and mode(path) & 0o077]


def goalpost(home: Path, *arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    clean = {name: value for name, value in os.environ.items() if not name.startswith("GOALPOST_")}
    finished = subprocess.run(
        [GOALPOST, *arguments],
        env=clean | {"GOALPOST_HOME": str(home)} | environment,
        capture_output=True,
        text=True,
        umask=0,
    )
    assert finished.returncode == 0, finished.stderr
    return finished


def test_a_home_of_an_older_version_is_tightened_and_the_landing_of_others_is_left_alone(tmp_path: Path):
    home = tmp_path / "home"
    elsewhere = tmp_path / "elsewhere"
    elsewhere.write_text("of somebody else")
    with umask(0o022):
        for path in ("warehouse.duckdb", "logs/run.log", "dagster/storage/x/y.db", "landing/events/a.csv"):
            (home / path).parent.mkdir(parents=True, exist_ok=True)
            (home / path).write_text("x")
        elsewhere.chmod(0o644)
        (home / "link").symlink_to(elsewhere)

    assert modes.tighten(Settings(home=home)) is False

    assert mode(home) == 0o700
    assert [path for path in open_to_others(home) if "landing" not in path] == []
    assert mode(home / "landing" / "events" / "a.csv") == 0o644
    assert mode(elsewhere) == 0o644


def test_what_is_published_is_never_there_with_another_mode(tmp_path: Path):
    with umask(0):
        settings = Settings(home=tmp_path / "home", published_mode=0o640)
        connection = connect(settings)
        connection.execute("create table marts.fct_a as select 1 as a")
        connection.close()
        publish(settings, "one")
    assert mode(settings.published) == 0o640
    assert mode(settings.published_parquet / "fct_a" / "fct_a.parquet") == 0o640


def test_goals_are_applied_into_a_landing_of_others_as_the_umask_says_and_into_a_new_one_privately(tmp_path):
    goals = tmp_path / "goals.yml"
    goals.write_text(
        "workspace: w\ngoals:\n  g:\n    name: G\n    target: {event: {name: e}}\n"
        "    measurement_window_days: 7\n    sources: [c]\n"
    )
    shared = tmp_path / "shared"
    shared.mkdir()
    goalpost(tmp_path / "home", "goals", "apply", str(goals), GOALPOST_LANDING=str(shared))
    (landed,) = shared.rglob("*.jsonl")
    assert mode(landed) == 0o666

    goalpost(tmp_path / "home", "goals", "apply", str(goals), GOALPOST_LANDING=str(tmp_path / "new"))
    assert open_to_others(tmp_path / "new") == []


@pytest.mark.parametrize("written", ["600", "0640", "644"])
def test_the_setting_is_written_as_chmod_has_it(written: str, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("GOALPOST_PUBLISHED_MODE", written)
    assert Settings().published_mode == int(written, 8)


@pytest.mark.parametrize("written", ["666", "755", "rw-r-----", "0", "44"])
def test_any_other_is_refused_with_what_is_allowed(written: str, tmp_path: Path):
    finished = subprocess.run(
        [GOALPOST, "status"],
        env=os.environ | {"GOALPOST_HOME": str(tmp_path), "GOALPOST_PUBLISHED_MODE": written},
        capture_output=True,
        text=True,
    )
    assert finished.returncode == 1
    assert (
        f"GOALPOST_PUBLISHED_MODE: Value error, '{written}' is not one of 600 (only you)" in finished.stderr
    )
