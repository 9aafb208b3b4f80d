"""Repair by commands: what has landed is taken in again, and the marts are exactly what they were."""

from contextlib import closing
from pathlib import Path

import duckdb
import pytest
from homes import first_home, goalpost

from orchestration.settings import Settings
from orchestration.warehouse import connect


@pytest.fixture(scope="module")
def settings(tmp_path_factory: pytest.TempPathFactory) -> Settings:
    settings = first_home(tmp_path_factory.mktemp("repair"))
    goalpost(settings, "clock", "pin", "2026-02-01")
    return settings


def marts(settings: Settings) -> dict[str, list[tuple]]:
    with duckdb.connect(settings.published, read_only=True) as connection:
        names = connection.execute(
            "select table_name from duckdb_tables() where schema_name = 'main'"
        ).fetchall()
        return {name: connection.execute(f'from "{name}" order by all').fetchall() for (name,) in names}


def test_quarantine_lists_and_shows_what_does_not_count(settings: Settings):
    listed = goalpost(settings, "quarantine", "list").stdout
    assert "events/broken.parquet" in listed and "events: bad_timestamp, 1 row" in listed
    shown = goalpost(settings, "quarantine", "show", "events").stdout
    assert "events/e.csv, row 3: bad_timestamp" in shown and '"event_id":"e2"' in shown
    assert "No row of goals" in goalpost(settings, "quarantine", "show", "goals").stdout
    assert "the tables are" in goalpost(settings, "quarantine", "show", "event").stderr


def test_a_replay_recomputes_and_changes_nothing_that_was_right(settings: Settings):
    before = marts(settings)
    replayed = goalpost(settings, "replay", "--since", "2020-01-01", "--table", "events")
    assert replayed.returncode == 0, replayed.stderr
    assert "count as new" in replayed.stdout and "Building the models" in replayed.stdout
    assert marts(settings) == before
    assert "Nothing to do" in goalpost(settings, "run").stdout


def test_a_replay_of_nothing_says_so(settings: Settings):
    assert "see `goalpost status`" in goalpost(settings, "replay", "--since", "2999-01-01").stderr


def test_a_file_that_was_set_aside_is_tried_again(settings: Settings):
    """Its content is the same, so the reason was elsewhere. A repaired file needs no replay."""
    before = marts(settings)
    tried = goalpost(settings, "quarantine", "replay", "events/broken.parquet")
    assert tried.returncode == 0, tried.stderr
    assert "1 file is tried again" in tried.stdout
    assert marts(settings) == before
    with duckdb.connect(settings.published, read_only=True) as connection:
        tries = connection.execute("select count(*) from ops.files where outcome = 'set_aside'").fetchall()
    assert tries == [(2,)]
    assert "not set aside" in goalpost(settings, "quarantine", "replay", "events/e.csv").stderr


def test_rows_in_quarantine_are_judged_again(settings: Settings):
    before = marts(settings)
    judged = goalpost(settings, "quarantine", "replay")
    assert judged.returncode == 0, judged.stderr
    assert marts(settings) == before


def test_a_repaired_file_needs_no_replay_and_what_somebody_changed_by_hand_is_computed_again(
    settings: Settings,
):
    before = marts(settings)
    Path(settings.landing, "events/broken.parquet").unlink()
    duckdb.sql(
        "select 'w' as workspace_id, 'e9' as event_id, 'q' as profile_id, 'visit' as name, "
        "'2026-01-03' as occurred_at"
    ).write_parquet(f"{settings.landing}/events/broken.parquet")
    with duckdb.connect(settings.warehouse_marts) as connection:
        connection.execute("update fct_enrollments set goal_version = '1999-01-01'")
    again = goalpost(settings, "redo", "--goal", "g")
    assert again.returncode == 0, again.stderr
    assert "Running: 1 new file, a part was asked to be computed again" in again.stdout
    assert marts(settings) == before
    assert "No file is set aside" in goalpost(settings, "quarantine", "list").stdout
    assert "changed: nothing." in goalpost(settings, "status").stdout
    with closing(connect(settings, read_only=True)) as connection:
        assert connection.execute("from control.redo").fetchall() == []  # not again
    assert "Say what" in goalpost(settings, "redo").stderr
    assert "There is no goal 'h'" in goalpost(settings, "redo", "--goal", "h").stderr
