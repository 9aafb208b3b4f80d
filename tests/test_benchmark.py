"""The benchmark runs, from the generated data to the report. Its measurements in a small world mean
nothing."""

import subprocess
import sys
from contextlib import closing
from pathlib import Path

import pytest

from benchmark import kept, report
from benchmark.compare import compared
from benchmark.world import HERE, World, land_day, land_history, land_late
from orchestration.goals.yaml_files import read_files
from orchestration.settings import PROJECT_ROOT, Settings
from orchestration.warehouse import connect

SMALL = World.named("2k", days=20)


def test_goals_are_valid():
    files = read_files([HERE / "goals.yml"])
    assert not files.errors and not files.warnings


def test_a_day_is_the_same_with_or_without_the_days_before(tmp_path: Path):
    def messages(settings: Settings) -> list[tuple]:
        with closing(connect(settings, read_only=True)) as connection:
            return connection.execute(
                "select columns(* exclude (file_id)) from raw.deliveries "
                "where file_id = (select max(file_id) from raw.deliveries) order by all"
            ).fetchall()

    after_history, alone = Settings(home=tmp_path / "after"), Settings(home=tmp_path / "alone")
    land_history(after_history, SMALL)
    land_day(after_history, SMALL, 21)
    land_day(alone, SMALL, 21)
    assert len(messages(alone)) == SMALL.messages_a_day
    assert messages(after_history) == messages(alone)

    land_late(alone, SMALL, 22, days_late=10)
    assert {sent_at[:10] for (*_, sent_at, _, _, _, _, _) in messages(alone)} == {"2020-01-12"}


def test_a_long_history_is_of_the_same_people_and_days():
    short, long = World.named("1M", days=180), World.named("10M-long", days=180)
    assert long.days == 1_800
    assert (long.profiles, long.messages_a_day) == (short.profiles, short.messages_a_day)


@pytest.mark.long
def test_it_runs_and_reports(tmp_path: Path):
    def benchmark(*arguments: str) -> str:
        command = [
            sys.executable,
            "-m",
            "benchmark",
            f"--home={tmp_path}",
            "--size=2k",
            "--days=20",
            *arguments,
        ]
        finished = subprocess.run(command, cwd=PROJECT_ROOT, capture_output=True, text=True)
        assert finished.returncode == 0, finished.stderr
        return finished.stdout

    benchmark("--only=full_refresh,days,peer_tools")
    with closing(connect(Settings(home=tmp_path / "2k" / "history"), read_only=True)) as connection:
        accounts = connection.execute(
            "select sum(landed), sum(staged) from staging.row_accounting"
        ).fetchall()
        empty = [
            mart
            for (mart,) in connection.execute(
                "select table_name from duckdb_tables() "
                "where database_name = 'marts' and schema_name = 'main'"
            ).fetchall()
            if not connection.execute(f"select count(*) from marts.{mart}").fetchall()[0][0]
        ]
    assert accounts[0][0] == accounts[0][1], "a drawn row is quarantined or superseded"
    assert empty == ["rpt_goal_lift"], "all have rows; the drawn world has no experiment"
    page = (tmp_path / "benchmark.md").read_text("utf-8")
    assert f"| {report.REFRESH} | 2k |" in page
    assert f"| {report.LATE} | 2k |" in page
    assert "A day in order, 2k: `" in page
    assert f"Measured at commit {kept.commit()}, on {kept.machine()}." in page
    assert "<svg" in (tmp_path / "benchmark.svg").read_text("utf-8")


# ---- the report, without measuring -------------------------------------------------------------------------


def _build(sql: float) -> dict:
    return {"sql": sql, "around": 5.0, "wall": 9.0, "peak_bytes": 2**30, "nodes": {"fct_touches": sql}}


def _days(sql: float) -> dict:
    return {"builds": [_build(sql)], "late": [_build(2 * sql)], "few_rows": [_build(sql / 2)]}


FLOOR = {"read": 2.0, "write": 8.0}


@pytest.fixture
def measured(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Three worlds, all measured at one commit."""
    monkeypatch.setattr(kept, "commit", lambda: "abc")
    for name, measure, result in (
        ("1M", "full_refresh", {"builds": [_build(31.0)], "floors": [FLOOR]}),
        ("1M", "days", _days(2.0)),
        ("10M", "growth", {"builds": [_build(4.0)]}),
        ("10M-long", "days", _days(2.0)),
    ):
        kept.keep(_folder(tmp_path, name), World.named(name, days=180), measure, result, seconds=60)
    return tmp_path


def _folder(home: Path, world: str) -> Path:
    (home / world).mkdir(exist_ok=True)
    return home / world


def test_figures_are_judged(measured: Path):
    table = report.write(measured, measured).splitlines()
    assert f"| {report.REFRESH} | 1M | ≤ 3.00 x | 3.10 x | **no** | 31.00 |" in table
    assert f"| {report.DAY} | 1M | ≤ 8.0% | 6.5% | yes | 2.00 |" in table
    assert f"| {report.GROWTH_PEOPLE} | 10M | ≤ 0.35 | 0.30 | yes | 0.40 |" in table
    assert f"| {report.GROWTH_HISTORY} | 10M-long | ≤ 0.10 | 0.00 | yes | 0.20 |" in table


def test_the_page_says_where_figures_are_of_different_code(measured: Path, monkeypatch: pytest.MonkeyPatch):
    report.write(measured, measured)
    assert "Measured at commit abc, on" in (measured / "benchmark.md").read_text("utf-8")
    monkeypatch.setattr(kept, "commit", lambda: "def")
    kept.keep(_folder(measured, "1M"), World.named("1M", days=180), "days", _days(2.0), seconds=60)
    report.write(measured, measured)
    page = (measured / "benchmark.md").read_text("utf-8")
    assert "Not all figures are of the same code" in page
    assert ": 1M days\n" in page


def test_only_committed_code_counts_as_measured(measured: Path, monkeypatch: pytest.MonkeyPatch):
    folder, world = _folder(measured, "1M"), World.named("1M", days=180)
    assert kept.is_current(folder, world, "days")
    assert not kept.is_current(folder, world, "goals")
    assert not kept.is_current(folder, World.named("1M", days=20), "days")
    monkeypatch.setattr(kept, "commit", lambda: f"abc{kept.CHANGED}")
    kept.keep(folder, world, "days", _days(2.0), seconds=60)
    assert not kept.is_current(folder, world, "days")


def test_two_commits_are_compared_node_by_node():
    told = list(compared({"gone": 1.0, "same": 2.0}, {"same": 2.0, "new": 4.0}))
    assert told[0].split() == ["3.00", "→", "6.00", "(2.00", "x)"]
    assert [line.split()[-1] for line in told[1:]] == ["new", "gone", "same"]
