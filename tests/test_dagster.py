"""The Dagster definitions: the assets, what blocks what, and what starts the job when."""

import os
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path

import pytest
from dagster import (
    AssetCheckKey,
    AssetKey,
    DagsterInstance,
    DagsterRun,
    DagsterRunStatus,
    DefaultScheduleStatus,
    Definitions,
    RunRequest,
    SkipReason,
    build_schedule_context,
    build_sensor_context,
)
from homes import first_home
from test_warehouse import OtherProcess

from orchestration import runs
from orchestration.checks.suites import STEPS, read_suites
from orchestration.contract import RAW_TABLES
from orchestration.errors import GoalpostError
from orchestration.landing import land_new_files
from orchestration.settings import DBT_PROJECT, PROJECT_ROOT, Settings
from orchestration.warehouse import connect

HOLD = "import duckdb, sys, time; c = duckdb.connect(sys.argv[1]); print(1, flush=True); time.sleep(60)"


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """Loading the definitions reads the dbt manifest in the home."""
    with pytest.MonkeyPatch.context() as patch:
        home = first_home(tmp_path_factory.mktemp("dagster")).home
        patch.setenv("GOALPOST_HOME", str(home))
        yield home


@pytest.fixture(scope="module")
def defs(home: Path) -> Definitions:
    from orchestration.definitions import defs

    return defs


@pytest.fixture
def settings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Settings:
    """A home and a landing of the test's own, for code that reads the settings when it runs."""
    monkeypatch.setenv("GOALPOST_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("GOALPOST_LANDING", str(tmp_path / "landing"))
    (tmp_path / "landing" / "events").mkdir(parents=True)
    return Settings()


def test_the_workspace_file_loads(home: Path):
    dagster = Path(sys.executable).with_name("dagster")
    validated = subprocess.run(
        [dagster, "definitions", "validate", "-w", PROJECT_ROOT / "workspace.yaml"],
        capture_output=True,
        text=True,
        cwd=home,
    )
    assert validated.returncode == 0, validated.stdout + validated.stderr


def test_each_raw_table_is_an_asset_and_each_mart_is_published(defs: Definitions):
    graph = defs.resolve_asset_graph()
    keys = graph.get_all_asset_keys()
    marts = {AssetKey(["marts", path.stem]) for path in (DBT_PROJECT / "models" / "marts").rglob("*.sql")}

    assert {AssetKey(["raw", table]) for table in RAW_TABLES} <= keys
    assert graph.get(AssetKey("published_marts")).parent_keys == marts
    assert not graph.get(AssetKey("published_marts")).child_keys


def test_every_source_of_a_model_is_an_asset_of_ours(defs: Definitions):
    graph = defs.resolve_asset_graph()
    assert not graph.external_asset_keys


def test_each_expectation_is_an_asset_check_of_an_asset_that_exists(defs: Definitions):
    graph = defs.resolve_asset_graph()
    expected = {
        (AssetKey([step, suite.table]), item.name)
        for step in STEPS
        for suite in read_suites(step)
        for item in suite.expectations
    }
    assert expected <= {(key.asset_key, key.name) for key in graph.asset_check_keys}
    assert {asset for asset, _ in expected} <= graph.get_all_asset_keys()


def test_critical_expectations_of_raw_tables_and_marts_block_what_follows(defs: Definitions):
    graph = defs.resolve_asset_graph()
    for step in STEPS:
        for suite in read_suites(step):
            for item in suite.expectations:
                key = AssetCheckKey(AssetKey([step, suite.table]), item.name)
                blocks = step in ("raw", "marts") and item.severity == "critical"
                assert graph.get_check_spec(key).blocking is blocks, key


def test_no_step_takes_a_place_that_a_killed_process_would_keep(defs: Definitions):
    """Runs take turns by the queue and the writer's lock, which ends with its process."""
    job = defs.resolve_job_def("goalpost")
    assert {node.definition.pool for node in job.nodes} == {None}


def test_whoever_starts_next_fails_the_runs_that_are_dead_and_leaves_the_others(settings: Settings):
    from dagster._core.test_utils import create_run_for_test

    from orchestration.dagster_instance import forget_dead_runs, open_instance

    with open_instance(settings) as instance:
        statuses = {
            create_run_for_test(instance, job_name="goalpost", status=status).run_id: status
            for status in DagsterRunStatus
            if status != DagsterRunStatus.QUEUED
        }
        forgotten = forget_dead_runs(instance, silent_seconds=60)
        assert forgotten == []

        forget_dead_runs(instance)
        after = {run.run_id: run.status for run in instance.get_runs()}
    dead = {DagsterRunStatus.STARTING, DagsterRunStatus.STARTED, DagsterRunStatus.CANCELING}
    assert after == {
        run_id: DagsterRunStatus.FAILURE if status in dead else status for run_id, status in statuses.items()
    }


def test_the_history_keeps_the_newest_runs_and_those_that_have_not_ended(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
):
    from orchestration import dagster_instance

    monkeypatch.setattr(dagster_instance, "KEPT_RUNS", 2)
    with dagster_instance.open_instance(settings) as instance:
        runs = [a_run(instance, status).run_id for status in ("QUEUED", *["SUCCESS", "FAILURE"] * 3)]
        logs = [settings.dagster_home / "storage" / run_id / "compute_logs" for run_id in runs]
        for folder in logs:
            folder.mkdir(parents=True)
        dagster_instance.forget_old_runs(settings, instance)
        assert {run.run_id for run in instance.get_runs()} == {runs[0], *runs[-2:]}
    assert [folder.exists() for folder in logs] == [True, *[False] * 4, True, True]


def test_the_sensor_fails_a_run_that_is_silent_though_nobody_writes(
    defs: Definitions, settings: Settings, monkeypatch: pytest.MonkeyPatch
):
    from dagster._core.test_utils import create_run_for_test

    from orchestration.defs import automation

    finish_a_run(settings)
    monkeypatch.setattr(automation, "PATIENCE_SECONDS", 0.01)
    with DagsterInstance.ephemeral() as instance:
        run = create_run_for_test(instance, job_name="goalpost", status=DagsterRunStatus.STARTED)
        time.sleep(0.1)

        def is_alive() -> bool:
            automation.new_files(build_sensor_context(instance))
            return instance.get_runs()[0].status == run.status

        with OtherProcess(settings, "with single_writer(settings):"):
            assert is_alive()
        assert not is_alive()


def test_while_a_run_writes_the_sensor_starts_none_and_looks_again(defs: Definitions, settings: Settings):
    finish_a_run(settings)
    land(settings, "a.jsonl")
    with OtherProcess(settings, "with single_writer(settings):") as other:
        assert f"is being written by process {other.process.pid}" in look(settings).skip_message
    assert look(settings).run_requests


def test_the_groups_follow_each_other_and_quarantine_is_at_the_side(defs: Definitions):
    graph = defs.resolve_asset_graph()
    edges = {
        (graph.get(parent).group_name, node.group_name)
        for node in graph.asset_nodes
        for parent in node.parent_keys
        if graph.get(parent).group_name != node.group_name
    }
    order = ["raw", "staging", "intermediate", "marts", "published"]
    backwards = {
        (one, other)
        for one, other in edges
        if one in order and other in order and order.index(one) > order.index(other)
    }

    assert backwards == {("marts", "intermediate")}  # reports and increments read facts
    assert {one for one, _ in edges} & {"quarantine", "published"} == set()


def test_each_asset_has_an_owner(defs: Definitions):
    owners = {(node.group_name, *node.owners) for node in defs.resolve_asset_graph().asset_nodes}
    assert ("marts", "team:analytics") in owners
    assert all(len(each) == 2 for each in owners)


def test_the_launchpad_asks_for_few_choices_and_an_empty_one_is_the_default(defs: Definitions):
    from orchestration.defs.automation import LAUNCHPAD

    mapping = defs.resolve_job_def("goalpost").config_mapping
    assert mapping
    chosen = dict.fromkeys(LAUNCHPAD, "") | {"full_refresh": False}
    whole = mapping.resolve_from_unvalidated_config(chosen)
    assert whole["resources"] == {"run": {"config": {"full_refresh": False}}}
    assert {name: bool(field.description) for name, field in LAUNCHPAD.items()} == dict.fromkeys(chosen, True)


def test_the_deep_check_runs_on_sunday_night(defs: Definitions):
    schedule = defs.resolve_schedule_def("weekly")
    assert schedule.cron_schedule == "0 3 * * 0" and schedule.job_name == "deep_check"
    assert schedule.default_status == DefaultScheduleStatus.RUNNING


def test_the_marts_have_a_freshness_policy(defs: Definitions):
    graph = defs.resolve_asset_graph()
    marts = {key for key in graph.get_all_asset_keys() if key.path[0] in ("marts", "published_marts")}
    assert all(graph.get(key).freshness_policy for key in marts)


def look(settings: Settings, cursor: str | None = None):
    from orchestration.defs.automation import new_files

    with DagsterInstance.ephemeral() as instance:
        return new_files(build_sensor_context(instance, cursor=cursor))


def land(settings: Settings, name: str, event_id: str = "1") -> Path:
    path = Path(settings.landing) / "events" / name
    path.write_text(f'{{"event_id": "{event_id}"}}\n')
    os.utime(path, (path.stat().st_mtime - 60,) * 2)
    return path


def finish_a_run(settings: Settings) -> None:
    run = runs.start_run(settings, "one", as_of=None, full_refresh=False)
    runs.record_landing(settings, "one", land_new_files(settings))
    runs.open_increment(settings, run)
    with closing(connect(settings)) as connection:
        connection.execute("create schema intermediate")
        for name in ("definitions", "fact_months"):
            connection.execute(f"create table intermediate.int_{name} as from control.built_{name}")
    runs.record_build(settings, "one")
    runs.finish_run(settings, "one", "succeeded")


def test_the_sensor_starts_one_run_for_what_landed_and_says_why(defs: Definitions, settings: Settings):
    finish_a_run(settings)
    land(settings, "a.jsonl")

    found = look(settings)
    [request] = found.run_requests
    assert request.run_key == found.cursor
    assert request.tags["goalpost/reason"] == "1 new file"
    assert isinstance(look(settings, found.cursor), SkipReason)


def test_the_same_file_again_starts_nothing(defs: Definitions, settings: Settings):
    path = land(settings, "a.jsonl")
    finish_a_run(settings)
    before = look(settings)
    os.utime(path, (1, 1))
    shutil.copy(path, path.with_suffix(".copy"))
    path.with_suffix(".copy").replace(path)

    again = look(settings, before.cursor)

    assert not before.run_requests
    assert not again.run_requests
    assert again.cursor != before.cursor


def test_a_failed_run_is_not_started_again_until_something_lands(defs: Definitions, settings: Settings):
    finish_a_run(settings)
    land(settings, "a.jsonl")
    cursor = look(settings).cursor
    runs.start_run(settings, "two", as_of=None, full_refresh=False)
    runs.finish_run(settings, "two", "failed")

    assert isinstance(look(settings, cursor), SkipReason)


def test_while_a_run_writes_the_sensor_waits_for_its_next_turn(defs: Definitions, settings: Settings):
    finish_a_run(settings)
    land(settings, "a.jsonl")
    writer = subprocess.Popen([sys.executable, "-c", HOLD, settings.warehouse], stdout=subprocess.PIPE)
    try:
        assert writer.stdout and writer.stdout.readline()
        assert "is held by process" in look(settings).skip_message
    finally:
        writer.kill()
        writer.wait()
    assert look(settings).run_requests


def a_run(instance: DagsterInstance, status: str) -> DagsterRun:
    from dagster._core.remote_origin import (
        RegisteredCodeLocationOrigin,
        RemoteJobOrigin,
        RemoteRepositoryOrigin,
    )
    from dagster._core.test_utils import create_run_for_test

    repository = RemoteRepositoryOrigin(RegisteredCodeLocationOrigin("location"), "repository")
    return create_run_for_test(
        instance,
        job_name="goalpost",
        status=DagsterRunStatus(status),
        remote_job_origin=RemoteJobOrigin(repository, "goalpost"),
    )


@pytest.mark.parametrize("status", ["QUEUED", "STARTING", "STARTED"])
def test_a_burst_requests_no_second_run_while_one_waits_or_works(
    status: str, defs: Definitions, settings: Settings
):
    from orchestration.defs.automation import new_files

    finish_a_run(settings)
    with DagsterInstance.ephemeral() as instance:
        run = a_run(instance, status)
        for number in range(100):
            land(settings, f"{number}.jsonl", str(number))
            found = new_files(build_sensor_context(instance))
            assert isinstance(found, SkipReason) and "A run waits or works" in str(found.skip_message)
        instance.delete_run(run.run_id)
        found = new_files(build_sensor_context(instance))
    [request] = found.run_requests
    assert request.tags["goalpost/reason"] == "100 new files"


def test_a_file_that_is_being_written_starts_no_run_until_it_is_left_alone(
    defs: Definitions, settings: Settings
):
    finish_a_run(settings)
    cursor = look(settings).cursor
    path = land(settings, "a.jsonl")
    path.write_text('{"event_id": "1"}\n{"event')
    assert isinstance(look(settings, cursor), SkipReason)
    os.utime(path, (path.stat().st_mtime - 10,) * 2)
    assert look(settings, cursor).run_requests


def test_the_daily_run_goes_before_those_of_the_sensor_and_a_killed_run_starts_once_more(
    defs: Definitions, settings: Settings
):
    from orchestration.defs.automation import daily

    finish_a_run(settings)
    land(settings, "a.jsonl")
    [landed] = look(settings).run_requests
    of_the_day = daily(build_schedule_context(scheduled_execution_time=datetime(2026, 1, 2, 5, tzinfo=UTC)))
    assert isinstance(of_the_day, RunRequest)
    assert int(of_the_day.tags["dagster/priority"]) > int(landed.tags.get("dagster/priority", 0))
    assert {each.tags["dagster/max_retries"] for each in (landed, of_the_day)} == {"1"}


def test_without_a_landing_folder_the_sensor_says_so(defs: Definitions, settings: Settings):
    shutil.rmtree(settings.landing)
    assert "There is no landing folder" in look(settings).skip_message


@pytest.mark.parametrize("is_told", [True, False])
def test_the_waiting_dbt_can_be_ended_whether_or_not_it_was_told_what_to_do(is_told: bool):
    from orchestration.dbt_process import WaitingDbt

    waiting = WaitingDbt.__new__(WaitingDbt)
    waiting.process = subprocess.Popen(
        [sys.executable, "-c", "import time; time.sleep(60)"], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    )
    if is_told:
        waiting.build()
    waiting.end()
    assert waiting.process.returncode is not None


def test_the_schedule_moves_the_clock_every_day_at_five_utc(defs: Definitions):
    from orchestration.defs.automation import daily

    request = daily(build_schedule_context(scheduled_execution_time=datetime(2026, 1, 2, 5, tzinfo=UTC)))

    assert (daily.cron_schedule, daily.execution_timezone) == ("0 5 * * *", "UTC")
    assert isinstance(request, RunRequest)
    assert request.run_config["as_of"] == "2026-01-02T05:00:00+00:00"


def test_a_failure_of_dbt_is_one_sentence():
    from orchestration.defs.models import failure

    results = [
        {"unique_id": "model.goalpost.fct_x", "status": "success", "message": "OK"},
        {
            "unique_id": "test.goalpost.unique_fct_x_id.1a2b",
            "status": "fail",
            "message": "Got 2 results,\n  0 ok",
        },
        {"unique_id": "model.goalpost.rpt_y", "status": "skipped", "message": None},
        {"unique_id": "model.goalpost.fct_z", "status": "error", "message": "Parser Error"},
    ]
    assert (
        failure({"results": results}, "")
        == "dbt test unique_fct_x_id failed (1 more failed): Got 2 results, 0 ok"
    )
    long = "The dbt process failed.\n\nErrors parsed from dbt logs:\n\nCompilation Error\n  in model fct_z"
    assert failure({}, long) == "dbt stopped before it built a model: Compilation Error in model fct_z"


def test_a_run_is_alone_and_ends_with_an_outcome(
    defs: Definitions, settings: Settings, monkeypatch: pytest.MonkeyPatch
):
    from dagster import build_init_resource_context

    from orchestration.defs import run as run_module
    from orchestration.defs.run import GoalpostRun

    monkeypatch.setattr(run_module, "PATIENCE_SECONDS", 0.1)
    context = build_init_resource_context()
    alone = GoalpostRun().yield_for_execution(context)
    with (
        OtherProcess(settings, "with single_writer(settings):"),
        pytest.raises(GoalpostError, match="is being written by process"),
    ):
        alone.__enter__()
    with GoalpostRun(as_of="2026-01-01").yield_for_execution(context) as run:
        assert run.is_full_refresh is True
    with closing(connect(settings, read_only=True)) as connection:
        assert connection.execute("select as_of, outcome, message from control.runs").fetchall() == [
            (
                datetime(2026, 1, 1),
                "failed",
                "The run ended before it published: start `goalpost run` again, it carries on.",
            )
        ]
