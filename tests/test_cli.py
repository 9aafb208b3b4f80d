"""The command line, as a person sees it: what it prints, and with which code it ends."""

import json
import os
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import duckdb
import pyarrow.parquet
import pytest
from dagster import AssetKey

from orchestration.dagster_instance import open_instance
from orchestration.lineage import find_lineage, read_lineage
from orchestration.settings import Settings
from orchestration.warehouse import connect, single_writer

GOALPOST = Path(sys.executable).with_name("goalpost")
GOAL = {
    "workspace_id": "w",
    "goal_id": "g",
    "updated_at": "2026-01-01",
    "definition": {
        "name": "Bought",
        "target": {"event": {"name": "purchase"}},
        "measurement_window_days": 7,
        "sources": ["c"],
    },
}
LANDED = {
    "goals/g.jsonl": str(GOAL).replace("'", '"') + "\n",
    "sources/s.csv": (
        "workspace_id,source_id,updated_at,source_type,status\nw,c,2026-01-01,broadcast,active\n"
    ),
    "deliveries/d.csv": (
        "workspace_id,delivery_id,profile_id,source_type,source_id,channel,sent_at\n"
        "w,d1,p,broadcast,c,email,2026-01-02\nw,d2,q,broadcast,c,email,2026-01-02\n"
    ),
    "events/e.csv": (
        "workspace_id,event_id,profile_id,name,occurred_at\n"
        "w,e1,p,purchase,2026-01-03\nw,e1,p,purchase,2026-01-03\nw,e2,q,purchase,soon\n"
    ),
    "events/broken.parquet": "no parquet",
}


@pytest.fixture(scope="module")
def settings(tmp_path_factory: pytest.TempPathFactory) -> Settings:
    folder = tmp_path_factory.mktemp("cli")
    settings = Settings(home=folder / "home", landing=str(folder / "landing"))
    for path, content in LANDED.items():
        file = Path(settings.landing) / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(content)
    return settings


def goalpost(settings: Settings, *arguments: str) -> subprocess.CompletedProcess[str]:
    environment = {
        "GOALPOST_HOME": str(settings.home),
        "GOALPOST_LANDING": settings.landing,
        "COLUMNS": "200",
    }
    finished = subprocess.run(
        [GOALPOST, *arguments],
        env=os.environ | environment,
        capture_output=True,
        text=True,
        stdin=subprocess.DEVNULL,
    )
    assert "Traceback" not in finished.stdout + finished.stderr
    return finished


@pytest.fixture(scope="module")
def first_run(settings: Settings) -> subprocess.CompletedProcess[str]:
    return goalpost(settings, "run", "--as-of", "2026-02-01")


def test_the_first_run_publishes_and_ends_with_an_account(first_run, settings: Settings):
    assert (first_run.returncode, first_run.stderr) == (0, "")
    account = first_run.stdout
    assert "Running: this is the first run." in account
    assert "Landed in this run: 7 rows (deliveries 2, events 3, goals 1, sources 1)" in account
    assert "Rows in all: 7 landed = 5 staged + 1 superseded + 1 quarantined" in account
    assert "0 failed" in account
    assert f"Published: {settings.published}" in account
    with duckdb.connect(settings.published, read_only=True) as connection:
        summary = connection.execute("select impressions, enrollments, conversions from rpt_goal_summary")
        assert summary.fetchall() == [(2, 2, 1)]


def test_each_published_table_and_column_says_what_it_is(first_run, settings: Settings):
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


def test_the_published_file_says_what_the_pipeline_did(first_run, settings: Settings):
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


def test_dagster_knows_the_rows_of_each_table_and_shows_the_run_in_its_timeline(
    first_run, settings: Settings
):
    with open_instance(settings) as instance:
        [run] = instance.get_runs()
        event = instance.get_latest_materialization_event(AssetKey(["marts", "fct_enrollments"]))
    assert run.remote_job_origin and run.remote_job_origin.location_name == "orchestration.definitions"
    assert event and event.asset_materialization
    assert event.asset_materialization.metadata["dagster/row_count"].value == 2


def test_columns_are_traced_to_the_columns_that_they_are_computed_from(first_run, settings: Settings):
    assert read_lineage(settings) == {}
    assert find_lineage(settings) is None
    columns = read_lineage(settings)["model.goalpost.fct_conversions"]
    assert columns["impact_value"] == [["model.goalpost.fct_achievements", "impact_value"]]


def published(settings: Settings) -> tuple[int, int]:
    status = settings.published.stat()
    return status.st_ino, status.st_mtime_ns


def test_a_second_run_with_nothing_new_says_so_and_changes_nothing(first_run, settings: Settings):
    before = published(settings), settings.warehouse.stat().st_mtime_ns
    second = goalpost(settings, "run")

    assert second.returncode == 0
    assert second.stdout.startswith(
        "Nothing to do: no new file, and nothing else changed since the last run. "
    )
    assert (published(settings), settings.warehouse.stat().st_mtime_ns) == before


def test_status_tells_what_is_set_aside_and_quarantined(first_run, settings: Settings):
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


def test_a_failed_blocking_check_publishes_nothing_and_is_named(first_run, settings: Settings):
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
    repaired = goalpost(settings, "run")
    assert "Running: the last run did not finish" in repaired.stdout
    assert repaired.returncode == 0


def test_a_run_reads_the_models_again_if_what_it_kept_of_them_is_broken(first_run, settings: Settings):
    (kept,) = (settings.home / "dbt" / "manifests").glob("*.json")
    whole = kept.stat().st_size
    kept.write_bytes(kept.read_bytes()[: whole // 2])
    for template in (settings.home / "dbt" / "templates").iterdir():
        template.write_bytes(template.read_bytes()[:20])

    assert goalpost(settings, "run", "--as-of", "2026-02-02").returncode == 0
    assert kept.stat().st_size == pytest.approx(whole, rel=0.01)
