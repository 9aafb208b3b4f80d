"""Alerts: each incident is told once, and once more when it is over, whatever happens to the receiver."""

import errno
import json
import threading
from collections.abc import Iterator
from contextlib import closing, contextmanager
from datetime import datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from homes import goalpost, land, read_models
from pydantic import SecretStr

from orchestration import alerts
from orchestration.settings import Settings
from orchestration.warehouse import connect, single_writer

NOW = datetime(2026, 3, 2, 5)


class Receiver:
    """A real HTTP server on loopback that can be down."""

    def __init__(self) -> None:
        self.told: list[str] = []
        self.port = 0

    @contextmanager
    def up(self) -> Iterator[None]:
        told = self.told

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                told.append(json.loads(body)["message"])
                self.send_response(200)
                self.end_headers()

            def log_message(self, *_: object) -> None:
                pass

        server = ThreadingHTTPServer(("127.0.0.1", self.port), Handler)
        self.port = server.server_port
        threading.Thread(target=server.serve_forever, daemon=True).start()
        try:
            yield
        finally:
            server.shutdown()
            server.server_close()


@pytest.fixture
def receiver() -> Receiver:
    found = Receiver()
    with found.up():  # it now has a port
        pass
    return found


@pytest.fixture
def settings(tmp_path: Path, receiver: Receiver) -> Settings:
    settings = Settings(
        home=tmp_path / "home",
        landing=str(tmp_path / "landing"),
        alert_urls=SecretStr(f"json://127.0.0.1:{receiver.port}/"),
    )
    connect(settings).close()
    return settings


def run(settings: Settings, started_at: datetime, outcome: str, message: str | None = None) -> None:
    with closing(connect(settings)) as connection:
        connection.execute(
            "insert into control.runs "
            "(run_id, started_at, finished_at, as_of, outcome, is_full_refresh, message) "
            "values (?, ?, ?, ?, ?, false, ?)",
            [str(started_at), started_at, started_at, started_at, outcome, message],
        )


def sentences(settings: Settings, now: datetime = NOW) -> list[str]:
    return [each.sentence for each in alerts.find_incidents(settings, now) or []]


def test_a_failed_run_is_told_once_and_once_more_when_a_run_succeeds(settings: Settings, receiver: Receiver):
    run(settings, NOW - timedelta(days=1), "succeeded")
    with receiver.up():
        for hour in range(3):
            run(settings, NOW + timedelta(hours=hour), "failed", "The disk is full: free 2 GB.")
            alerts.look(settings)
        run(settings, NOW + timedelta(hours=4), "succeeded")
        alerts.look(settings)
        alerts.look(settings)

    failed = [each for each in receiver.told if "disk is full" in each]
    assert len(failed) == 2
    assert failed[0].startswith(
        "The run of 2026-03-02 05:00 UTC failed: The disk is full: free 2 GB. "
        "Readers see the marts of 2026-03-01 05:00 UTC."
    )
    assert failed[1].startswith("Over: The run of 2026-03-02 05:00 UTC failed")


def test_on_a_full_disk_an_incident_is_still_told_only_once(
    settings: Settings, receiver: Receiver, monkeypatch: pytest.MonkeyPatch
):
    def full(path: Path, content: bytes) -> int:
        raise OSError(errno.ENOSPC, "No space left on device", str(path))

    with receiver.up():
        alerts.look(settings)
        monkeypatch.setattr(Path, "write_bytes", full)
        run(settings, datetime.now(), "failed", "The disk is full: free 2 GB.")
        for _ in range(3):
            alerts.look(settings)
    assert len([each for each in receiver.told if "disk is full" in each]) == 1


def test_several_failures_in_a_row_say_since_when(settings: Settings):
    for hour in range(3):
        run(settings, NOW + timedelta(hours=hour), "failed", "No.")
    assert sentences(settings) == [
        "The run of 2026-03-02 07:00 UTC failed (3 runs have failed since 2026-03-02 05:00 UTC): No. "
        "Nothing was ever published."
    ]


def test_a_run_whose_process_was_killed_has_failed(settings: Settings):
    run(settings, NOW, "running")
    assert "Its process is gone: start `goalpost run` again" in sentences(settings)[0]


def test_a_failure_is_not_over_while_the_next_run_works(settings: Settings):
    run(settings, NOW, "failed", "No.")
    told = sentences(settings)
    run(settings, NOW + timedelta(hours=1), "running")
    with single_writer(settings):
        assert sentences(settings) == told


def test_marts_become_stale_unless_the_clock_is_pinned(settings: Settings):
    run(settings, NOW, "succeeded")
    assert sentences(settings, NOW + timedelta(hours=48)) == []
    assert "The marts are stale" in sentences(settings, NOW + timedelta(hours=50))[0]
    settings.pinned_clock.write_text("2026-03-01")
    assert sentences(settings, NOW + timedelta(hours=50)) == []


def test_a_killed_dev_is_told_and_one_that_was_stopped_is_not(settings: Settings):
    settings.dev_lock.write_text("")
    assert sentences(settings) == []
    settings.dev_lock.write_text("process 1 (goalpost dev), since 05:00")
    assert "`goalpost dev` was killed" in sentences(settings)[0]


def test_a_warehouse_that_cannot_be_read_is_an_incident(settings: Settings):
    settings.warehouse.write_bytes(b"no database" * 1000)
    assert len(sentences(settings)) == 1


def test_what_a_receiver_missed_is_told_in_order_when_it_is_back_and_only_to_it(
    settings: Settings, receiver: Receiver
):
    other = Receiver()
    with other.up():
        urls = f"{settings.alert_urls.get_secret_value()} json://127.0.0.1:{other.port}/"
        both = settings.model_copy(update={"alert_urls": SecretStr(urls), "stale_hours": 1e6})
        run(settings, NOW, "failed", "No.")
        alerts.look(both)
        run(settings, NOW + timedelta(hours=1), "succeeded")
        alerts.look(both)
        assert alerts.undelivered(both) == 2
        with receiver.up():
            alerts.look(both)
    assert alerts.undelivered(both) == 0
    assert [each[:5] for each in other.told if "failed" in each] == ["The r", "Over:"]
    assert receiver.told == other.told


def test_without_a_receiver_incidents_are_in_the_log_and_nothing_waits(settings: Settings):
    alone = settings.model_copy(update={"alert_urls": SecretStr("")})
    run(alone, NOW, "failed", "No.")
    alerts.look(alone)
    assert alerts.undelivered(alone) == 0
    assert "failed: No." in (settings.logs / "alerts.log").read_text()


def test_a_url_holds_a_password_that_no_file_gets(settings: Settings):
    secret = settings.model_copy(update={"alert_urls": SecretStr("json://user:hunter2@127.0.0.1:9/")})
    run(secret, NOW, "failed", "No.")
    alerts.look(secret)
    written = [file.read_bytes() for file in settings.home.rglob("*") if file.is_file()]
    assert alerts.undelivered(secret) > 0
    assert not [content for content in written if b"hunter2" in content]
    assert alerts.test(secret) == ["json://…"]


def test_a_real_run_tells_of_a_file_set_aside_and_of_quarantine_though_the_receiver_is_down(
    settings: Settings, receiver: Receiver, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
):
    monkeypatch.setenv("GOALPOST_ALERT_URLS", settings.alert_urls.get_secret_value())
    read_models(settings, tmp_path.parent)
    land(settings)

    ended = goalpost(settings, "run")
    assert ended.returncode == 0, ended.stderr

    with receiver.up():
        listed = goalpost(settings, "alerts")
    assert listed.returncode == 1
    [file] = [each for each in receiver.told if "set aside" in each]
    assert "events/broken.parquet" in file and "land it again under this name" in file
    [rows] = [each for each in receiver.told if "quarantine" in each]
    assert rows.startswith("1 of the 3 rows of events that landed last are in quarantine")
