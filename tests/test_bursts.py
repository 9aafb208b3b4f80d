"""Many files at once, files that are still being written, and object stores with a hundred thousand keys."""

import os
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import replace
from pathlib import Path

import pytest
from landing_support import Landing

from orchestration.landing import land, land_new_files, list_landing
from orchestration.landing.listing import BEING_WRITTEN
from orchestration.settings import Settings
from orchestration.warehouse import connect

KEYS = 100_000 if os.environ.get("GOALPOST_LOAD") else 5_000
# A local S3 in a process of its own. (It makes each page of an answer from all keys: most of the time of a
# listing is its own.)
S3 = """
import sys
from moto.s3.models import s3_backends
from moto.server import ThreadedMotoServer

keys = int(sys.argv[1])
store = s3_backends["123456789012"]["aws"]
store.create_bucket("landing", "us-east-1")
for number in range(keys):
    content = b'{"workspace_id": "w%d"}\\n' % number
    store.put_object("landing", f"workspaces/2026/{number % 366:03}/{number:06}.jsonl", content)
server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
server.start()
print(server.get_host_and_port()[1], flush=True)
sys.stdin.read()
"""


@contextmanager
def s3(keys: int, log: Path) -> Iterator[int]:
    """The port of a store with so many keys; it writes each request into the log."""
    with (
        log.open("w") as requests,
        subprocess.Popen(
            [sys.executable, "-c", S3, str(keys)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=requests,
            text=True,
        ) as process,
    ):
        assert process.stdout
        try:
            yield int(process.stdout.readline())
        finally:
            process.kill()


@pytest.fixture
def landing(tmp_path: Path) -> Landing:
    return Landing(tmp_path)


def test_a_file_is_loaded_once_and_whole_though_a_run_starts_while_it_is_written(landing: Landing):
    path = landing.put("workspaces/slow.csv", "workspace_id,name\n")
    landing.put("workspaces/complete.csv", "workspace_id,name\nw0,Whole\n")
    rows = [f"w{number},{'x' * 100}\n" for number in range(1, 13)]

    def write() -> None:
        with path.open("a") as stream:
            for row in rows:
                for half in (row[:50], row[50:]):
                    stream.write(half)
                    stream.flush()
                    time.sleep(0.2)

    writer = threading.Thread(target=write)
    writer.start()
    report = land_new_files(landing.settings, leaves_unsettled=True)
    assert writer.is_alive(), "it was too quick to be seen half written"
    assert [file.path for file in report.files] == ["workspaces/complete.csv"]
    assert [(each.path, each.reason) for each in report.ignored] == [("workspaces/slow.csv", BEING_WRITTEN)]
    writer.join()

    report = land_new_files(landing.settings, leaves_unsettled=True)
    assert [(file.path, file.rows) for file in report.files] == [("workspaces/slow.csv", len(rows))]


def test_a_file_of_a_clock_that_goes_ahead_is_loaded_all_the_same(landing: Landing):
    path = landing.put("workspaces/a.csv", "workspace_id,name\nw0,Ahead\n")
    os.utime(path, (time.time() + 3600,) * 2)
    assert len(land_new_files(landing.settings, leaves_unsettled=True).files) == 1


def test_listing_a_store_costs_a_request_for_each_thousand_keys_and_little_of_its_own(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    log = tmp_path / "requests"
    with s3(KEYS, log) as port:
        for name, value in {
            "AWS_ENDPOINT_URL": f"http://127.0.0.1:{port}",
            "AWS_ACCESS_KEY_ID": "key",
            "AWS_SECRET_ACCESS_KEY": "secret",
            "AWS_DEFAULT_REGION": "us-east-1",
        }.items():
            monkeypatch.setenv(name, value)
        settings = Settings(home=tmp_path / "home", landing="s3://landing")
        list_landing(settings)  # imports, and the first connection
        log.write_text("")

        before = time.process_time()
        listing = list_landing(settings)
        seconds = time.process_time() - before

        requests = log.read_text().count("GET /landing")
        assert (len(listing.files), listing.ignored) == (KEYS, ())
        assert requests == KEYS / 1000 + 1  # is the landing there?
        assert seconds < 30 * KEYS / 100_000, "8 s for 100,000 keys on one core of 2026"
        with closing(connect(settings)) as connection:
            first = replace(listing, files=listing.files[:20])
            monkeypatch.setattr(land, "list_landing", lambda _: first)
            report = land_new_files(settings, leaves_unsettled=True)
            assert report.rows_by_table == {"workspaces": 20}
            assert connection.execute("select min(workspace_id) from raw.workspaces").fetchall() == [("w0",)]
