"""The benchmark runs, from the generated data to the report. Its measurements in a small world mean
nothing."""

import subprocess
import sys
from contextlib import closing
from pathlib import Path

from benchmark.world import HERE, World, land_day, land_history, land_late
from orchestration.goals.yaml_files import read_files
from orchestration.settings import PROJECT_ROOT, Settings
from orchestration.warehouse import connect

SMALL = World(deliveries=2_000, days=20)


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
    assert {sent_at[:10] for (*_, sent_at, _, _, _, _) in messages(alone)} == {"2025-01-12"}


def test_it_runs_and_reports(tmp_path: Path):
    finished = subprocess.run(
        [
            sys.executable,
            "-m",
            "benchmark",
            f"--home={tmp_path}",
            "--size=2k",
            "--days=20",
            "--only=full_refresh,peer_tools",
        ],
        cwd=PROJECT_ROOT,
        capture_output=True,
        text=True,
    )
    assert finished.returncode == 0, finished.stderr
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
    assert empty == []
    assert "Full refresh from typed staging" in (tmp_path / "benchmark.md").read_text("utf-8")
    assert "<svg" in (tmp_path / "benchmark.svg").read_text("utf-8")
