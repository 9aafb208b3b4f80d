"""Dagster's history in PostgreSQL: a run, the alerts and the sentences when the server is away."""

from collections.abc import Iterator

import pytest
from homes import goalpost
from postgres_server import PASSWORD, Server, server
from test_cli import LANDED

from orchestration import dagster_instance
from orchestration.dagster_instance import forget_old_runs, open_instance
from orchestration.settings import Settings


@pytest.fixture(scope="module")
def started() -> Iterator[Server]:
    with server() as started, pytest.MonkeyPatch.context() as patch:
        patch.setenv("GOALPOST_DAGSTER_POSTGRES_URL", started.url)
        yield started


@pytest.fixture(scope="module")
def settings(started: Server, tmp_path_factory: pytest.TempPathFactory) -> Settings:
    """After its first run."""
    folder = tmp_path_factory.mktemp("postgres")
    for path, content in LANDED.items():
        file = folder / "landing" / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(content)
    settings = Settings(home=folder / "home", landing=str(folder / "landing"))
    ended = goalpost(settings, "run")
    assert ended.returncode == 0, ended.stderr
    return settings


def test_a_run_is_recorded_there_and_nowhere_else_and_no_file_gets_the_password(
    settings: Settings, started: Server
):
    with started.connect() as connection:
        assert connection.execute("select pipeline_name, status from public.runs").fetchall() == [
            ("goalpost", "SUCCESS")
        ]
        [(events,)] = connection.execute("select count(*) from event_logs").fetchall()
    assert events > 500
    assert [*settings.dagster_home.rglob("*.db")] == []
    secret = PASSWORD.encode(), b"secret%40"
    assert not [
        path
        for path in settings.home.rglob("*")
        if path.is_file() and any(word in path.read_bytes() for word in secret)
    ]


def test_while_the_server_is_away_commands_say_so_in_one_sentence_and_it_is_an_incident(
    settings: Settings, started: Server
):
    sentence = 'Dagster\'s history in PostgreSQL cannot be used (connection to server at "127.0.0.1"'
    started.stop()
    try:
        for command in (["run", "--full-refresh"], ["dev"]):
            ended = goalpost(settings, *command)
            assert ended.returncode == 1
            assert ended.stderr.startswith(f"goalpost: {sentence}")
            assert ended.stderr.endswith("no figure is lost.\n")
            assert ended.stderr.count("\n") == 1
        assert goalpost(settings, "report").returncode == 0
    finally:
        started.start()


def test_of_a_run_that_is_too_old_nothing_is_left_in_the_history(
    settings: Settings, started: Server, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(dagster_instance, "KEPT_RUNS", 0)
    with open_instance(Settings(home=settings.home)) as instance:
        forget_old_runs(settings, instance)
    with started.connect() as connection:
        for table in ("runs", "event_logs", "asset_check_executions"):
            assert connection.execute(f"select count(*) from public.{table}").fetchall() == [(0,)], table
