"""The deep check: it finds what is not as a rebuild makes it, tells it once, touches nothing."""

import json
import re
import shutil
from contextlib import closing
from datetime import datetime, timedelta
from pathlib import Path

import duckdb
import pytest
from homes import first_home, goalpost
from pydantic import ValidationError

from orchestration import alerts, deep_check
from orchestration.deep_check import Difference, Found, last_deep_check
from orchestration.errors import GoalpostError
from orchestration.settings import Settings
from orchestration.warehouse import connect

NOW = datetime(2026, 3, 2, 5)
DIFFERENT = Difference("fct_touches", 2, 1, [11, 12], "2026-01-02 00:00:00")


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Settings:
    settings = first_home(tmp_path_factory.mktemp("deep"))
    goalpost(settings, "clock", "pin", "2026-02-01")
    return settings


def content(settings: Settings) -> dict[str, bytes]:
    return {
        path.name: path.read_bytes()
        for path in (settings.warehouse, settings.warehouse_marts, settings.published)
    }


@pytest.mark.long
def test_what_landed_after_the_last_run_is_no_difference(home: Settings):
    """For example, files that a part of a run chosen in Dagster's UI loaded."""
    with closing(connect(home)) as connection:
        connection.execute(
            "insert into raw.files select * replace (file_id + 1 as file_id, path || 'x' as path) "
            "from raw.files where file_id = (select max(file_id) from raw.files)"
        )
        connection.execute(
            "insert into raw.events select * replace ("
            "(select max(file_id) from raw.files) as file_id, 'e8' as event_id) from raw.events limit 1"
        )
    try:
        assert goalpost(home, "deep-check").returncode == 0
    finally:
        with closing(connect(home)) as connection:
            connection.execute("delete from raw.events where event_id = 'e8'")
            connection.execute("delete from raw.files where path like '%x' and file_id > 1")


def test_a_damaged_mart_is_found_told_and_over_after_a_full_refresh(home: Settings):
    with duckdb.connect(home.warehouse_marts) as connection:
        connection.execute("update fct_enrollments set goal_version = '1999-01-01'")
        connection.execute(
            "insert into fct_impressions from fct_impressions limit 1"
        )  # `except` alone misses it
    checked = goalpost(home, "deep-check")
    assert checked.returncode == 1
    assert re.search(r"fct_enrollments \((\d) rows are missing, \1 are wrong, of profile_key", checked.stdout)
    assert "fct_impressions (0 rows are missing, 1 are wrong" in checked.stdout
    log = (home.logs / "alerts.log").read_text()
    assert log.count("ERROR The deep check of") == 1
    assert "the first at 2026-01-" in log
    assert goalpost(home, "run", "--full-refresh").returncode == 0
    log = (home.logs / "alerts.log").read_text()
    assert log.count("INFO Over: The deep check of") == 1


def test_marts_as_they_should_be_pass_and_nothing_is_touched(home: Settings):
    before = content(home)
    checked = goalpost(home, "deep-check")
    assert (checked.returncode, checked.stderr) == (0, "")
    assert "No difference" in checked.stdout
    assert content(home) == before
    assert not (home.home / "deep-check").exists()
    assert "no difference." in goalpost(home, "status").stdout


def test_what_a_run_has_left_undone_is_not_checked(home: Settings, tmp_path: Path):
    copy = Settings(home=tmp_path / "home")
    copy.home.mkdir()
    for path in (home.warehouse, home.warehouse_marts):
        shutil.copyfile(path, copy.home / path.name)
    with closing(connect(copy)) as connection:
        connection.execute("update control.runs set outcome = 'failed'")
    assert "The last run did not succeed: start `goalpost run` first" in goalpost(copy, "deep-check").stderr
    assert last_deep_check(copy) is None


def test_without_room_it_says_how_much_it_needs_and_that_is_an_incident(
    home: Settings, monkeypatch: pytest.MonkeyPatch
):
    usage = shutil.disk_usage(home.home)._replace(free=1000)
    monkeypatch.setattr(deep_check.shutil, "disk_usage", lambda _: usage)
    with pytest.raises(GoalpostError, match=r"There is no room: a deep check needs about 0\.\d GB"):
        deep_check.deep_check(home)
    assert [each.key for each in alerts.find_incidents(home, NOW) or [] if each.key == "deep check"]
    assert not (home.home / "deep-check").exists()


def test_before_the_first_run_there_is_nothing_to_check(tmp_path: Path):
    with pytest.raises(GoalpostError, match="There is no warehouse"):
        deep_check.deep_check(Settings(home=tmp_path / "none"))


# ---- the incident ------------------------------------------------------------------------------------------


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    settings = Settings(home=tmp_path)
    connect(settings).close()
    return settings


def sentences(settings: Settings) -> list[str]:
    return [each.sentence for each in alerts.find_incidents(settings, NOW) or () if each.key == "deep check"]


def keep(settings: Settings, found: Found) -> None:
    settings.deep_check_record.write_text(
        json.dumps(
            {
                "checked_at": found.checked_at.isoformat(),
                "differences": [vars(each) for each in found.differences],
                "error": found.error,
            }
        )
    )


def refreshed(settings: Settings, at: datetime) -> None:
    with closing(connect(settings)) as connection:
        connection.execute(
            "insert into control.runs (run_id, started_at, finished_at, as_of, outcome, is_full_refresh) "
            "values ('1', ?, ?, ?, 'succeeded', true)",
            [at, at, at],
        )


def test_the_incident_says_what_differs_and_what_to_do(settings: Settings):
    keep(settings, Found(NOW, [DIFFERENT, Difference("rpt_goal_summary", 1, 1, [], None)]))
    [sentence] = sentences(settings)
    assert (
        "fct_touches (2 rows are missing, 1 are wrong, of profile_key 11, 12, the first at 2026-01-02"
        in sentence
    )
    assert "Also different: rpt_goal_summary. `goalpost run --full-refresh` puts it right" in sentence


def test_what_the_next_check_finds_again_is_told_once(settings: Settings):
    for checked_at in (NOW, NOW + timedelta(days=7)):
        keep(settings, Found(checked_at, [DIFFERENT]))
        alerts.look(settings)
    assert (settings.logs / "alerts.log").read_text().count("ERROR The deep check of") == 1


def test_it_is_over_when_a_check_finds_no_difference_or_after_a_full_refresh(settings: Settings):
    keep(settings, Found(NOW, [DIFFERENT]))
    refreshed(settings, NOW - timedelta(hours=1))
    assert sentences(settings)
    keep(settings, Found(NOW))
    assert sentences(settings) == []
    keep(settings, Found(NOW, [DIFFERENT]))
    refreshed(settings, NOW + timedelta(hours=1))
    assert sentences(settings) == []


def test_a_check_that_could_not_be_made_is_not_over_after_a_full_refresh(settings: Settings):
    keep(settings, Found(NOW, error="There is no room."))
    refreshed(settings, NOW + timedelta(hours=1))
    assert sentences(settings) == [
        "The deep check of 2026-03-02 05:00 UTC could not be made: There is no room."
    ]


def test_when_it_runs_is_a_cron_schedule_or_off():
    assert Settings(deep_check="off").deep_check == "off"
    assert Settings(deep_check="30 1 * * 6").deep_check == "30 1 * * 6"
    with pytest.raises(ValidationError, match="neither off nor a cron schedule"):
        Settings(deep_check="weekly")
