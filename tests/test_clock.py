"""The clock of a home: if it is pinned, every run uses it, whatever starts the run."""

from datetime import UTC, datetime
from pathlib import Path

import pytest
from dagster import RunRequest, build_init_resource_context, build_schedule_context
from typer.testing import CliRunner

from orchestration import clock, runs
from orchestration.errors import GoalpostError
from orchestration.settings import Settings
from orchestration.warehouse import connect

PINNED = datetime(2018, 1, 1, 5)


@pytest.fixture
def settings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Settings:
    monkeypatch.setenv("GOALPOST_HOME", str(tmp_path / "home"))
    (tmp_path / "home" / "landing").mkdir(parents=True)
    return Settings()


def test_a_pinned_clock_is_that_of_every_run(settings: Settings):
    clock.pin(settings, PINNED)
    assert runs.start_run(settings, "one", as_of=None, full_refresh=False).as_of == PINNED
    assert runs.clock(settings) == PINNED


def test_a_run_that_dagster_starts_obeys_it(settings: Settings):
    from orchestration.defs.run import GoalpostRun

    clock.pin(settings, PINNED)
    with GoalpostRun().yield_for_execution(build_init_resource_context()) as run:
        assert run._run.as_of == PINNED


def test_the_schedule_obeys_it_and_moves_the_clock_where_none_is_pinned(settings: Settings):
    from orchestration.defs.automation import daily

    def as_of() -> str | None:
        moment = datetime(2026, 1, 2, 5, tzinfo=UTC)
        request = daily(build_schedule_context(scheduled_execution_time=moment))
        assert isinstance(request, RunRequest)
        return request.run_config.get("as_of")

    assert as_of() == "2026-01-02T05:00:00+00:00"
    clock.pin(settings, PINNED)
    assert as_of() is None
    clock.unpin(settings)
    assert as_of() == "2026-01-02T05:00:00+00:00"


def test_another_as_of_is_refused_and_the_same_is_not(settings: Settings):
    clock.pin(settings, PINNED)
    assert clock.as_of_of_a_run(settings, PINNED) == PINNED
    sentence = r"is pinned at 2018-01-01 05:00:00 UTC, .*`goalpost clock pin .*`goalpost clock unpin`"
    with pytest.raises(GoalpostError, match=sentence):
        runs.find_work(settings, as_of=datetime(2020, 1, 1), full_refresh=False)
    with pytest.raises(GoalpostError, match=sentence):
        runs.start_run(settings, "one", as_of=datetime(2020, 1, 1), full_refresh=False)


def test_moving_the_pin_is_work_for_a_run_and_looking_again_is_none(settings: Settings):
    clock.pin(settings, PINNED)
    runs.start_run(settings, "one", as_of=None, full_refresh=False)
    runs.finish_run(settings, "one", "succeeded")
    assert runs.find_work(settings, as_of=None, full_refresh=False) is None
    clock.pin(settings, datetime(2019, 1, 1, tzinfo=UTC))
    work = runs.find_work(settings, as_of=None, full_refresh=False)
    assert work == "as_of moved from 2018-01-01T05:00:00 to 2019-01-01T00:00:00"
    clock.unpin(settings)
    assert runs.find_work(settings, as_of=None, full_refresh=False) is None


def test_the_pin_stays_when_the_warehouse_is_computed_anew(settings: Settings):
    clock.pin(settings, PINNED)
    connect(settings).close()
    settings.warehouse.unlink()
    settings.warehouse_marts.unlink()
    assert runs.start_run(settings, "one", as_of=None, full_refresh=False).as_of == PINNED


def test_a_broken_pin_is_named_with_what_to_do_and_can_be_written_anew_or_removed(settings: Settings):
    settings.pinned_clock.write_text("half past nine\n")
    with pytest.raises(GoalpostError, match=r"pinned_clock .*half past nine.*`goalpost clock pin TIME`"):
        clock.pinned(settings)
    assert command("unpin").startswith("The clock of this home is released")
    assert clock.pinned(settings) is None


def test_goals_that_are_applied_after_the_pin_are_told_to_be_in_no_report(settings: Settings, tmp_path: Path):
    from orchestration.goals.commands import app

    goals = tmp_path / "goals.yml"
    goals.write_text(
        "workspace: w\ngoals:\n  g:\n    name: G\n    target: {event: {name: e}}\n"
        "    measurement_window_days: 7\n    sources: [c]\n"
    )
    clock.pin(settings, PINNED)
    told = CliRunner().invoke(app, ["apply", str(goals)], catch_exceptions=False).output
    assert "every run counts until 2018-01-01 05:00:00 UTC. What is applied now counts from now on" in told


def command(*arguments: str) -> str:
    from orchestration.clock_commands import app

    result = CliRunner().invoke(app, arguments, catch_exceptions=False)
    assert result.exit_code == 0
    return result.output


def test_the_command_shows_pins_moves_and_releases_it(settings: Settings):
    assert command().startswith("The clock of this home is not pinned")
    assert "every run counts until 2018-01-01 05:00:00 UTC" in command("pin", "2018-01-01T06:00:00+01:00")
    assert clock.pinned(settings) == PINNED
    assert "every run counts until 2018-01-01 05:00:00 UTC" in command()
    assert "every run counts until 2019-01-01 00:00:00 UTC" in command("pin", "2019-01-01")
    assert "released" in command("unpin")
    assert "nothing to release" in command("unpin")
