"""A load that is killed, really, again and again, ends as if nothing had happened."""

import json
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

from landing_support import Landing

LOADER = """
import sys
from orchestration.landing import land_new_files
from orchestration.settings import Settings

land_new_files(
    Settings(home=sys.argv[1], landing=sys.argv[2]),
    on_progress=lambda done, total, path: print(path, flush=True),
)
"""
KILLS = 3


def put_many_files(landing: Landing) -> None:
    for number in range(8):
        rows = range(number * 100_000, number * 100_000 + (10_000 if number % 3 == 0 else 50))
        lines = [
            json.dumps({"workspace_id": "w1", "event_id": str(row), "properties": {"n": row}}) for row in rows
        ]
        landing.put(f"events/{number:02}.jsonl", "\n".join([*lines, "no json"]))
        records = "".join(f"w1,{row},opened\n" for row in rows)
        landing.put(f"engagements/{number:02}.csv.gz", "workspace_id,engagement_id,metric\nw1\n" + records)
        landing.put(f"journeys/{number:02}.parquet", b"no parquet")


def start(landing: Landing) -> subprocess.Popen:
    command = [sys.executable, "-c", LOADER, str(landing.settings.home), str(landing.folder)]
    return subprocess.Popen(command, stdout=subprocess.PIPE, text=True)


def contents(landing: Landing) -> list[list[tuple]]:
    return [
        landing.query("select path, content_hash, rows, outcome, reason from raw.files order by path"),
        *(
            landing.query(
                "select path, count(*), count(distinct row_number), bit_xor(hash(landed)) "
                f"from raw.{table} as landed join raw.files using (file_id) group by path order by path"
            )
            for table in ["events", "engagements"]
        ),
    ]


def test_no_row_is_lost_doubled_or_left_half_by_kills_at_any_moment(tmp_path: Path):
    undisturbed, killed = Landing(tmp_path), Landing(tmp_path, home="killed")
    put_many_files(undisturbed)
    seed = random.randrange(2**32)
    chance = random.Random(seed)
    for _ in range(KILLS):
        loader = start(killed)
        for _ in range(chance.randint(1, 5)):
            loader.stdout.readline()
        time.sleep(chance.random() * 0.1)
        loader.kill()
        assert loader.wait() in (-signal.SIGKILL, 0)
    loader = start(killed)
    assert loader.wait() == 0
    undisturbed.load()
    assert contents(killed) == contents(undisturbed), f"seed {seed}"
    assert killed.query("select count(*), count(distinct file_id) from raw.files") == [(24, 24)]
