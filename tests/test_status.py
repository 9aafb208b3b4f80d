"""`goalpost status`: before the first run, after one, and while one is writing."""

import io
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import pytest
from rich.console import Console

from orchestration import runs
from orchestration.landing import land_new_files
from orchestration.publish import publish
from orchestration.settings import Settings
from orchestration.status import show_status
from orchestration.warehouse import connect

HOLD = "import duckdb, sys, time; c = duckdb.connect(sys.argv[1]); print(1, flush=True); time.sleep(60)"


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
                ('one', 'raw', 'raw.files', 'no_file_is_set_aside', 'warning', false, '{"observed_value": 1}',
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
    assert any(line.startswith("events/[bold]b.csv") for line in lines)
    assert "events missing_key 1 events/a.jsonl, row 2: name is absent" in lines
    assert any(line.startswith("Last run: succeeded") for line in lines)
    assert "counts until (as_of): 2026-01-01 00:00:00 UTC" in lines
    assert "landed in this run: 2 rows (events 2)" in lines
    assert "rows in all: 2 landed = 1 staged + 0 superseded + 1 quarantined" in lines
    assert "checks: 1 passed, 1 warned, 0 failed" in lines
    assert 'warning raw.files.no_file_is_set_aside: {"observed_value": 1}' in lines
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
    assert "A run is writing just now" in text
    assert "fct_x" in text
