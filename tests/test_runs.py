"""Why a run starts, and what its history says about it."""

import os
from contextlib import closing
from datetime import datetime
from pathlib import Path
from uuid import uuid4

import pytest

from orchestration import runs
from orchestration.errors import GoalpostError
from orchestration.landing import land_new_files
from orchestration.runs import Run, full_refresh_reason, pending_work
from orchestration.settings import Settings
from orchestration.warehouse import connect

NOON = datetime(2026, 1, 1, 12)


def a_run(outcome: str = "succeeded", *, code_hash: str = "code", is_full_refresh: bool = False) -> Run:
    return Run("run", NOON, outcome, is_full_refresh, code_hash)


def work(*history: Run, new_files: int = 0, code_hash: str = "code", as_of=None, full_refresh: bool = False):
    return pending_work(
        history, new_files=new_files, code_hash=code_hash, as_of=as_of, full_refresh=full_refresh
    )


def test_nothing_new_after_a_run_that_succeeded_is_nothing_to_do():
    assert work(a_run()) is None
    assert work(a_run(), a_run("failed", code_hash="older")) is None
    assert work(a_run(), as_of=NOON) is None


@pytest.mark.parametrize(
    ("history", "situation", "reason"),
    [
        ([], {}, "this is the first run"),
        ([a_run()], {"new_files": 1}, "1 new file"),
        ([a_run()], {"new_files": 2}, "2 new files"),
        ([a_run("failed"), a_run()], {}, "the last run did not finish"),
        ([a_run("interrupted"), a_run()], {}, "the last run did not finish"),
        ([a_run("running"), a_run()], {}, "the last run did not finish"),
        ([a_run()], {"code_hash": "other"}, "the models changed"),
        (
            [a_run()],
            {"as_of": datetime(2026, 2, 1)},
            "as_of moved from 2026-01-01T12:00:00 to 2026-02-01T00:00:00",
        ),
        ([a_run()], {"full_refresh": True}, "a full refresh was asked for"),
        ([a_run("failed")], {"new_files": 3}, "3 new files, the last run did not finish"),
    ],
)
def test_each_reason_is_told(history, situation, reason):
    assert work(*history, **situation) == reason


@pytest.mark.parametrize(
    ("history", "expected"),
    [
        ([], "no run has succeeded yet"),
        ([a_run("failed")], "no run has succeeded yet"),
        ([a_run()], None),
        ([a_run(code_hash="other")], None),  # changes.py decides by model
        ([a_run("failed"), a_run()], None),
        ([a_run("interrupted", is_full_refresh=True), a_run()], "the last full refresh did not finish"),
        ([a_run("failed", code_hash="other"), a_run()], "a run of other code did not finish"),
        ([a_run(), a_run("failed", code_hash="other")], None),
    ],
)
def test_the_first_run_and_what_did_not_finish_ask_for_a_full_refresh(history, expected):
    assert full_refresh_reason(history, "code") == expected


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    settings = Settings(home=tmp_path / "home", landing=str(tmp_path / "landing"))
    (tmp_path / "landing" / "events").mkdir(parents=True)
    return settings


def land(settings: Settings, name: str, event_id: str = "1") -> Path:
    path = Path(settings.landing) / "events" / name
    path.write_text(f'{{"event_id": "{event_id}"}}\n')
    return path


def history(settings: Settings) -> list[tuple]:
    with closing(connect(settings, read_only=True)) as connection:
        return connection.execute(
            "select run_id, outcome, message from control.runs order by started_at"
        ).fetchall()


def test_a_run_has_its_row_and_its_clock_from_the_start(settings: Settings):
    runs.start_run(settings, "one", as_of=NOON, full_refresh=False)

    with closing(connect(settings, read_only=True)) as connection:
        assert connection.execute("from control.clock").fetchall() == [(NOON,)]
    assert history(settings) == [("one", "running", None)]


def test_without_as_of_the_clock_is_the_start_of_the_run(settings: Settings):
    before = runs._now()
    run = runs.start_run(settings, "one", as_of=None, full_refresh=False)
    assert before <= run.as_of <= runs._now()


def history_of(settings: Settings, *outcomes: str) -> list[bool]:
    """Runs one after another; whether each was a full refresh."""
    kinds = []
    for outcome in outcomes:
        run = runs.start_run(settings, f"run {uuid4()}", as_of=None, full_refresh=False)
        runs.finish_run(settings, run.run_id, outcome)
        kinds.append(run.is_full_refresh)
    return kinds


@pytest.mark.parametrize("lost", ["warehouse", "warehouse_marts"])
def test_after_one_of_the_two_files_was_deleted_all_is_computed_anew(lost: str, settings: Settings):
    assert history_of(settings, "succeeded", "succeeded") == [True, False]
    getattr(settings, lost).unlink()
    assert history_of(settings, "succeeded", "succeeded") == [True, False]


@pytest.mark.parametrize("restored", ["warehouse", "warehouse_marts"])
def test_after_one_of_the_two_files_was_put_back_from_a_copy_all_is_computed_anew(
    restored: str, settings: Settings
):
    history_of(settings, "succeeded")
    file = getattr(settings, restored)
    older = file.read_bytes()
    history_of(settings, "succeeded")
    file.write_bytes(older)
    assert history_of(settings, "succeeded", "failed", "succeeded") == [True, False, False]


def test_marts_that_a_failed_run_wrote_are_gone_on_with(settings: Settings):
    assert history_of(settings, "succeeded", "failed", "failed", "succeeded") == [True, False, False, False]


def test_a_run_that_lost_its_process_is_interrupted_once_the_next_one_writes(settings: Settings):
    runs.start_run(settings, "one", as_of=None, full_refresh=False)
    runs.start_run(settings, "two", as_of=None, full_refresh=False)
    runs.finish_run(settings, "two", "succeeded")

    assert history(settings) == [
        ("one", "interrupted", "Its process ended before it did."),
        ("two", "succeeded", None),
    ]


def test_the_first_outcome_stands(settings: Settings):
    runs.start_run(settings, "one", as_of=None, full_refresh=False)
    runs.finish_run(settings, "one", "failed", "dbt model x failed.")
    runs.finish_run(settings, "one", "succeeded")

    assert history(settings) == [("one", "failed", "dbt model x failed.")]


def finished_run(settings: Settings, *, has_built: bool = True) -> None:
    run = runs.start_run(settings, "one", as_of=NOON, full_refresh=False)
    runs.record_landing(settings, "one", land_new_files(settings))
    if has_built:
        runs.open_increment(settings, run)
        with closing(connect(settings)) as connection:
            connection.execute("create schema intermediate")
            for name in ("definitions", "fact_months"):
                connection.execute(f"create table intermediate.int_{name} as from control.built_{name}")
        runs.record_build(settings, "one")
    runs.finish_run(settings, "one", "succeeded")


def find_work(settings: Settings) -> str | None:
    return runs.find_work(settings, as_of=None, full_refresh=False)


def test_work_is_found_in_the_landing_and_gone_after_the_run(settings: Settings):
    land(settings, "a.jsonl")
    assert find_work(settings) == "this is the first run"
    finished_run(settings)
    assert find_work(settings) is None

    land(settings, "b.jsonl")
    assert find_work(settings) == "1 new file"


def test_what_landed_without_being_built_is_work(settings: Settings):
    land(settings, "a.jsonl")
    finished_run(settings, has_built=False)
    assert find_work(settings) == "not all that landed was built"


def test_the_same_file_again_is_no_work_but_changed_content_is(settings: Settings):
    path = land(settings, "a.jsonl")
    finished_run(settings)

    path.write_text(path.read_text())
    os.utime(path, (1, 1))
    assert find_work(settings) is None

    land(settings, "a.jsonl", event_id="2")
    assert find_work(settings) == "1 new file"


def test_a_run_keeps_what_it_landed(settings: Settings):
    land(settings, "a.jsonl")
    finished_run(settings)

    with closing(connect(settings, read_only=True)) as connection:
        row = connection.execute("select files_loaded, last_file_id from control.runs").fetchone()
        figures = runs.account(connection, "one")
    assert row == (1, 1)
    assert figures == {
        "landing": settings.landing,
        "landed_now": {"events": 1},
        "checks": {"passed": 0, "warned": 0, "failed": 0},
    }


@pytest.mark.parametrize(
    ("text", "moment"),
    [
        ("2018-01-01T05:00:00Z", datetime(2018, 1, 1, 5)),
        ("2018-01-01T00:00:00-05:00", datetime(2018, 1, 1, 5)),
        ("2018-01-01 05:00:00.000001", datetime(2018, 1, 1, 5, 0, 0, 1)),
        ("2018-01-01", datetime(2018, 1, 1)),
    ],
)
def test_a_moment_without_offset_is_utc(text, moment):
    assert runs.read_moment(text) == moment


@pytest.mark.parametrize("text", ["yesterday", "2018-13-01", "", "1514782800"])
def test_what_is_no_moment_is_refused_with_an_example(text):
    with pytest.raises(GoalpostError, match="ISO 8601, for example"):
        runs.read_moment(text)


def test_a_model_that_is_gone_or_lies_elsewhere_now_leaves_nothing_where_it_was(settings: Settings):
    with closing(connect(settings)) as connection:
        connection.execute("create schema staging; create view staging.gone as select 1 as one")
        connection.execute("create table marts.moved (one int); create table marts.stays (one int)")
        connection.execute(
            "insert into control.built_models values "
            "('gone', 1, 'code', 'warehouse.staging.gone', true), "
            "('moved', 1, 'code', 'marts.main.moved', true), ('stays', 1, 'code', 'marts.main.stays', true)"
        )
    runs.drop_removed_models(settings, {"moved": "warehouse.main.moved", "stays": "marts.main.stays"})

    with closing(connect(settings, read_only=True)) as connection:
        there = connection.execute(
            "select table_name from information_schema.tables where table_name in ('gone', 'moved', 'stays')"
        ).fetchall()
        known = connection.execute("select model from control.built_models order by model").fetchall()
    assert (there, known) == ([("stays",)], [("moved",), ("stays",)])
