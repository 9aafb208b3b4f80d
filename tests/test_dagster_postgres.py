"""Dagster's history in PostgreSQL: a run, the alerts and the sentences when the server is away."""

import os
import socket
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from homes import GOALPOST, goalpost, land, read_models
from postgres_server import PASSWORD, Server, server

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
    settings = Settings(home=folder / "home", landing=str(folder / "landing"))
    read_models(settings, tmp_path_factory.getbasetemp())
    land(settings)
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


def test_the_three_parts_work_as_in_the_containers_and_a_stopped_daemon_is_no_incident(
    settings: Settings, started: Server, monkeypatch: pytest.MonkeyPatch
):
    ports = {"code": free_port(), "web": free_port()}
    monkeypatch.setenv("GOALPOST_CODE_HOST", "127.0.0.1")
    monkeypatch.setenv("GOALPOST_CODE_PORT", str(ports["code"]))
    file = Path(settings.landing) / "events" / "served.csv"
    file.write_text("workspace_id,event_id,profile_id,name,occurred_at\nw,served,p,purchase,2026-01-20\n")
    parts = {}
    try:
        for part in ("code", "daemon", "web"):
            port = ("--port", str(ports[part])) if part in ports else ()
            with (settings.home / f"{part}.out").open("w") as output:
                parts[part] = subprocess.Popen(
                    [GOALPOST, "serve", part, *port],
                    env=os.environ
                    | {"GOALPOST_HOME": str(settings.home), "GOALPOST_LANDING": settings.landing},
                    stdin=subprocess.DEVNULL,
                    stdout=output,
                    stderr=subprocess.STDOUT,
                )
            if part == "code":
                wait_for(lambda: is_open(ports["code"]))
        wait_for(lambda: is_open(ports["web"]))
        second = goalpost(settings, "serve", "daemon")
        assert f"A daemon runs on {settings.home} already: process {parts['daemon'].pid}" in second.stderr
        wait_for(lambda: runs_there(started)[-2:] == ["SUCCESS", "SUCCESS"])
    finally:
        for process in parts.values():
            process.terminate()
        ended = {part: process.wait(20) for part, process in parts.items()}
    assert ended == {"code": 143, "daemon": 143, "web": 143}
    assert not settings.dev_lock.read_text()


def runs_there(started: Server) -> list[str]:
    with started.connect() as connection:
        return [status for (status,) in connection.execute("select status from public.runs order by id")]


def free_port() -> int:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return free.getsockname()[1]


def is_open(port: int) -> bool:
    with socket.socket() as tried:
        return tried.connect_ex(("127.0.0.1", port)) == 0


def wait_for(moment: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 300
    while not moment():
        assert time.monotonic() < deadline
        time.sleep(0.2)


def test_of_a_run_that_is_too_old_nothing_is_left_in_the_history(
    settings: Settings, started: Server, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(dagster_instance, "KEPT_RUNS", 0)
    with open_instance(Settings(home=settings.home)) as instance:
        run_ids = [*instance.get_run_ids()]
        forget_old_runs(settings, instance)
    with started.connect() as connection:
        for table in ("runs", "event_logs", "asset_check_executions"):
            left = connection.execute(f"select run_id from public.{table} where run_id = any(%s)", [run_ids])
            assert left.fetchall() == [], table
