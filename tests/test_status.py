"""`goalpost status`: before the first run, after a run, and while a run is writing."""

import io
import os
import subprocess
import sys
import time
from contextlib import closing
from pathlib import Path

import pytest
from rich.console import Console

from orchestration import runs
from orchestration.landing import land_new_files
from orchestration.publish import publish
from orchestration.settings import Settings
from orchestration.status import show_status
from orchestration.warehouse import connect, single_writer, writer

HOLD = "import duckdb, sys, time; c = duckdb.connect(sys.argv[1]); print(1, flush=True); time.sleep(60)"
# As a run does: the writer's lock, and the warehouse open.
RUN = """
import sys, time
from pathlib import Path
from orchestration.settings import Settings
from orchestration.warehouse import connect, single_writer
settings = Settings(home=Path(sys.argv[1]), landing=sys.argv[2])
with single_writer(settings):
    connection = connect(settings)
    print(1, flush=True)
    time.sleep(60)
"""


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    (tmp_path / "landing").mkdir()
    return Settings(home=tmp_path / "home", landing=str(tmp_path / "landing"))


def shown(settings: Settings) -> str:
    output = io.StringIO()
    show_status(settings, Console(file=output, width=200))
    return output.getvalue()


def finish_a_run(settings: Settings) -> None:
    for path, content in {
        "events/a.jsonl": b'{"event_id": "1"}\n{"event_id": "2"}\n',
        "events/[bold]b.csv": b"\xff\xff",
    }.items():
        file = Path(settings.landing) / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(content)
    runs.start_run(settings, "one", as_of=runs.read_moment("2026-01-01"), full_refresh=False)
    runs.record_landing(settings, "one", land_new_files(settings))
    with closing(connect(settings)) as connection:
        connection.execute("""
            create schema staging; create schema quarantine;
            create table staging.stg_events as select timestamp '2025-12-31 23:00' as occurred_at;
            create table staging.row_accounting as
            select 'events' as table_name, 2 as landed, 1 as staged, 0 as superseded, 1 as quarantined;
            create table quarantine.events as
            select 'events/a.jsonl' as path, 2 as row_number, 'missing_key' as reason_code,
                'name is absent' as problem;
            create table marts.fct_x as select 1 as x;
            insert into control.check_results values
                ('one', 'raw', 'raw.files', 'no_file_is_set_aside', 'warning', false,
                 '{"observed_value": 1, "examples": [{"path": "events/[bold]b.csv", "file_id": 2}]}',
                 now()::timestamp),
                ('one', 'raw', 'raw.files', 'file_is_known_once', 'critical', true, '{}', now()::timestamp);
        """)
    publish(settings, "one")
    runs.finish_run(settings, "one", "succeeded")


def test_before_the_first_run_it_says_what_to_do(settings: Settings):
    text = shown(settings)
    assert "Nothing has run yet: `goalpost run`" in text
    assert "Nothing is published yet." in text
    assert not settings.home.exists()


def test_after_a_run_it_tells_what_landed_what_did_not_and_what_came_of_it(settings: Settings):
    finish_a_run(settings)
    lines = [" ".join(line.split()) for line in shown(settings).splitlines()]

    assert any(line.startswith("events 1 2 20") and line.endswith("2025-12-31 23:00:00") for line in lines)
    assert any(line.startswith("events/[bold]b.csv, since 20") for line in lines)
    assert "events: missing_key, 1 row" in lines
    assert "events/a.jsonl, row 2: name is absent" in lines
    assert any(line.startswith("Last run: succeeded") for line in lines)
    assert "counts until (as_of): 2026-01-01 00:00:00 UTC" in lines
    assert "landed in this run: 2 rows (events 2)" in lines
    assert "rows in all: 2 landed = 1 staged + 0 superseded + 1 quarantined" in lines
    assert "checks: 1 passed, 1 warned, 0 failed" in lines
    assert "warning raw.files.no_file_is_set_aside: 1 found, none expected" in lines
    assert any(line.startswith("Somebody should repair and land it again") for line in lines)
    assert "for example path events/[bold]b.csv, file_id 2" in lines
    assert "fct_x 1" in lines


def test_while_a_run_writes_it_shows_what_is_published_and_does_not_wait(settings: Settings):
    finish_a_run(settings)
    writer = subprocess.Popen([sys.executable, "-c", HOLD, settings.warehouse], stdout=subprocess.PIPE)
    try:
        assert writer.stdout and writer.stdout.readline()
        text = shown(settings)
    finally:
        writer.kill()
        writer.wait()
    assert f"is held by process {writer.pid}" in text
    assert "fct_x" in text


def test_while_a_run_writes_it_says_who_since_when_and_shows_what_is_published(settings: Settings):
    finish_a_run(settings)
    holding = subprocess.Popen(
        [sys.executable, "-c", RUN, str(settings.home), settings.landing], stdout=subprocess.PIPE
    )
    try:
        assert holding.stdout and holding.stdout.readline()
        started = time.monotonic()
        text = shown(settings)
    finally:
        holding.kill()
        holding.wait()
    assert time.monotonic() - started < 2
    assert f"A run is writing just now (process {holding.pid} (-c), since 20" in text
    assert "counts until 2026-01-01 00:00:00" in text and "fct_x" in text


def test_looking_who_writes_keeps_nobody_from_writing(settings: Settings):
    finish_a_run(settings)
    with single_writer(settings):
        told = writer(settings)
        assert told == writer(settings) == (settings.home / "writer.lock").read_text()
        assert told.startswith(f"process {os.getpid()} (")
    assert writer(settings) is None
    with single_writer(settings):
        pass


def test_it_looks_at_the_landing_that_the_last_run_looked_at_and_says_so(settings: Settings, tmp_path: Path):
    finish_a_run(settings)
    (Path(settings.landing) / "odd").mkdir()
    (Path(settings.landing) / "odd" / "x.csv").write_text("a\n")

    text = shown(Settings(home=settings.home, landing=str(tmp_path / "another")))

    assert f"Landing: {settings.landing} (where the last run looked; a run without --landing looks at" in text
    assert "odd" in text
    assert "There is no landing folder" not in text


def test_a_quarantined_goal_is_named_with_its_reason_file_and_row(settings: Settings):
    finish_a_run(settings)
    with closing(connect(settings)) as connection:
        connection.execute("""
            create table quarantine.goals as
            from (values
                ('w', 'trial', 'goals/a.jsonl', 3, 'goal_locked', 'the goal sent its first message at noon'),
                ('w', 'other', 'goals/b.jsonl', 1, 'bad_definition', 'measurement_window_days: 91')
            ) as goals (workspace_id, goal_id, path, row_number, reason_code, problem)
        """)
    lines = [" ".join(line.split()) for line in shown(settings).splitlines()]

    at = lines.index("goals: goal_locked, 1 row, goal 'trial' of workspace 'w'")
    assert lines[at + 1] == "goals/a.jsonl, row 3: the goal sent its first message at noon"
    assert "goals: bad_definition, 1 row, goal 'other' of workspace 'w'" in lines


def test_file_names_and_ids_cannot_steer_the_terminal(settings: Settings):
    file = Path(settings.landing) / "events" / "\x1b[2Jgone\u202e\n.csv"
    file.parent.mkdir(parents=True)
    file.write_bytes(b"\xff\xff")
    finish_a_run(settings)

    text = shown(settings)

    assert "events/\\x1b[2Jgone\\u202e\\n.csv, since" in text
    assert "\x1b" not in text and "\u202e" not in text


@pytest.mark.parametrize("width", [60, 80, 120, 200])
def test_at_any_width_no_number_and_no_name_is_cut(settings: Settings, width: int):
    finish_a_run(settings)
    output = io.StringIO()
    show_status(settings, Console(file=output, width=width))

    assert "…" not in output.getvalue()
    assert max(len(line.rstrip()) for line in output.getvalue().splitlines() if "/" not in line) <= width
