"""The command line, as a person sees it: what it prints, and with which code it ends."""

import json
import os
from contextlib import closing
from pathlib import Path

import duckdb
import pyarrow.parquet
import pytest
from dagster import AssetKey
from homes import first_home, first_run, goalpost

from orchestration.dagster_instance import open_instance
from orchestration.settings import Settings
from orchestration.warehouse import connect, single_writer


@pytest.fixture(scope="module")
def settings(tmp_path_factory: pytest.TempPathFactory) -> Settings:
    return first_home(tmp_path_factory.mktemp("cli"))


def test_the_first_run_publishes_and_ends_with_an_account(
    tmp_path_factory: pytest.TempPathFactory,
):
    settings, ended = first_run(tmp_path_factory.getbasetemp())
    assert (ended.returncode, ended.stderr) == (0, "")
    account = ended.stdout
    assert "Running: this is the first run." in account
    assert "Landed in this run: 7 rows (deliveries 2, events 3, goals 1, sources 1)" in account
    assert "Rows in all: 7 landed = 5 staged + 1 superseded + 1 quarantined" in account
    assert "0 failed" in account
    assert f"Published: {settings.published}" in account
    with duckdb.connect(settings.published, read_only=True) as connection:
        summary = connection.execute("select impressions, enrollments, conversions from rpt_goal_summary")
        assert summary.fetchall() == [(2, 2, 1)]


def test_each_published_table_and_column_says_what_it_is(settings: Settings):
    with duckdb.connect(settings.published, read_only=True) as connection:
        silent = connection.execute(
            "select table_name, null from duckdb_tables() where comment is null union all "
            "select table_name, column_name from duckdb_columns() where not internal and comment is null"
        ).fetchall()
        said = connection.execute(
            "select comment from duckdb_columns() "
            "where (table_name, column_name) = ('fct_enrollments', 'seconds_to_convert')"
        ).fetchall()
        assert (silent, said[0][0][:7]) == ([], "Elapsed")
        marts = connection.execute(
            "select table_name, comment from duckdb_tables() where schema_name = 'main'"
        ).fetchall()
    for mart, comment in marts:
        file = next((settings.published_parquet / mart).glob("*.parquet"))
        metadata = pyarrow.parquet.read_schema(file).metadata
        assert json.loads(metadata[b"goalpost"])["description"] == comment


def test_the_published_file_says_what_the_pipeline_did(settings: Settings):
    with duckdb.connect(settings.published, read_only=True) as connection:

        def rows(query: str) -> list[tuple]:
            return connection.execute(query).fetchall()

        assert rows(
            "select outcome, is_full_refresh, files_loaded, finished_at > started_at from ops.runs"
        ) == [("succeeded", True, 4, True)]
        assert rows(
            "select count(*) > 50, bool_and(success or severity = 'warning') from ops.check_results"
        ) == [(True, True)]
        assert rows("select figures -> 'rows' ->> 'quarantined' from ops.runs") == [("1",)]
        assert rows("select table_name, path, outcome from ops.files where reason is not null") == [
            ("events", "events/broken.parquet", "set_aside")
        ]
        assert rows("select table_name, reason_code, rows from ops.quarantine") == [
            ("events", "bad_timestamp", 1)
        ]
        assert rows("select path, row_number, raw_row ->> 'event_id' from ops.quarantine_samples") == [
            ("events/e.csv", 3, "e2")
        ]


def test_dagster_knows_the_rows_of_each_table_and_shows_the_run_in_its_timeline(settings: Settings):
    with open_instance(settings) as instance:
        [run] = instance.get_runs()
        event = instance.get_latest_materialization_event(AssetKey(["marts", "fct_enrollments"]))
    assert run.remote_job_origin and run.remote_job_origin.location_name == "orchestration.definitions"
    assert event and event.asset_materialization
    assert event.asset_materialization.metadata["dagster/row_count"].value == 2


def published(settings: Settings) -> tuple[int, int]:
    status = settings.published.stat()
    return status.st_ino, status.st_mtime_ns


def test_a_second_run_with_nothing_new_says_so_and_changes_nothing(settings: Settings):
    before = published(settings), settings.warehouse.stat().st_mtime_ns
    second = goalpost(settings, "run")

    assert second.returncode == 0
    assert second.stdout.startswith(
        "Nothing to do: no new file, and nothing else changed since the last run. "
    )
    assert (published(settings), settings.warehouse.stat().st_mtime_ns) == before


def test_status_tells_what_is_set_aside_and_quarantined(settings: Settings):
    text = goalpost(settings, "status").stdout
    assert "events/broken.parquet" in text
    assert "bad_timestamp" in text
    assert "Last run: succeeded" in text


@pytest.mark.parametrize(
    ("arguments", "code", "sentence"),
    [
        (["run", "--as-of", "nonsense"], 1, "as_of 'nonsense' is not a time"),
        (["run", "--landing", "/nowhere/at/all"], 1, "There is no landing folder /nowhere/at/all"),
        (["goals", "validate", "/nowhere.yml"], 1, "/nowhere.yml"),
        (["run", "--no-such-option"], 2, "No such option"),
    ],
)
def test_wrong_input_is_one_sentence(arguments, code, sentence, tmp_path: Path):
    settings = Settings(home=tmp_path)
    finished = goalpost(settings, *arguments)
    assert finished.returncode == code
    assert sentence in finished.stderr


def test_a_second_writer_is_told_who_is_writing(tmp_path: Path):
    settings = Settings(home=tmp_path)
    with single_writer(settings):
        finished = goalpost(settings, "run")
    assert finished.returncode == 1
    assert f"is being written by process {os.getpid()}" in finished.stderr


def test_a_failed_blocking_check_publishes_nothing_is_named_and_the_next_run_carries_on(settings: Settings):
    before = published(settings)
    with closing(connect(settings)) as connection:
        connection.execute("insert into raw.events (file_id, row_number) values (99, 1)")
    failed = goalpost(settings, "run", "--full-refresh")

    assert failed.returncode == 1
    assert failed.stderr.count("\n") == 1
    assert "Nothing was published" in failed.stderr
    assert "raw.events.rows_match_the_ledger" in failed.stderr
    assert published(settings) == before
    assert "FAILED raw.events.rows_match_the_ledger" in goalpost(settings, "status").stdout

    with closing(connect(settings)) as connection:
        connection.execute("delete from raw.events where file_id = 99")
    # The next run also reads the models again, if what was kept of them is broken.
    (kept,) = (settings.home / "dbt" / "manifests").glob("*.json")
    whole = kept.stat().st_size
    kept.write_bytes(kept.read_bytes()[: whole // 2])
    for template in (settings.home / "dbt" / "templates").iterdir():
        template.write_bytes(template.read_bytes()[:20])
    repaired = goalpost(settings, "run")
    assert "Running: the last run did not finish" in repaired.stdout
    assert repaired.returncode == 0
    assert kept.stat().st_size == pytest.approx(whole, rel=0.01)
