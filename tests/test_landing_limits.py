"""A small file never exhausts the machine: files that are too large are set aside, and the rest loads."""

import bz2
import gzip
import json
import subprocess
import sys
import time
import zlib

import fastavro
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from fastavro import schema as avro_schema
from landing_support import Landing
from pydantic import ValidationError

from orchestration.landing import land, rows
from orchestration.settings import Settings

CSV = "workspace_id,name\nw1,Acme\n"
MB = 2**20
LOADER = """
import resource, sys
from orchestration.landing import land_new_files
from orchestration.settings import Settings

land_new_files(Settings(home=sys.argv[1], landing=sys.argv[2]))
print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024)
"""


@pytest.fixture
def landing(tmp_path):
    landing = Landing(tmp_path)
    landing.put("workspaces/z.csv", CSV)
    return landing


def gzip_bomb(content: bytes, times: int) -> bytes:
    return gzip.compress(content) * times


BOMBS = {
    "events/line.jsonl.gz": gzip_bomb(b'{"workspace_id":"' + b"x" * 16 * MB, 1)
    + gzip_bomb(b"x" * 16 * MB, 63),
    "events/record.csv.gz": gzip.compress(b"workspace_id,event_id\nw,") + gzip_bomb(b"x" * 16 * MB, 64),
    "events/array.json.gz": gzip.compress(b"[{") + gzip_bomb(b"[" * 16 * MB, 64),
    "events/header.csv.gz": gzip_bomb(b"x," * 8 * MB, 64),
    "events/line.json.zst": pa.compress(b"x" * 256 * MB, "zstd", asbytes=True) * 4,
    "events/line.ndjson.bz2": bz2.compress(b"x" * 16 * MB) * 8,
}


def test_one_endless_record_is_set_aside_without_being_held(landing):
    """Each is small and unpacks to a gigabyte; the process stays far below that."""
    for path, content in BOMBS.items():
        landing.put(path, "").write_bytes(content)
        assert len(content) < 2 * MB
    command = [sys.executable, "-c", LOADER, str(landing.settings.home), str(landing.folder)]
    started = time.monotonic()
    found = subprocess.run(command, capture_output=True, text=True, check=True)
    assert time.monotonic() - started < 120
    assert int(found.stdout) < 1500
    ledger = landing.ledger()
    assert ledger.pop("workspaces/z.csv") == "loaded"
    header = ledger.pop("events/header.csv.gz")
    assert header.startswith('Its first line, "x,x,x,') and header.endswith("or is longer than 1 MB.")
    assert set(ledger) == BOMBS.keys() - {"events/header.csv.gz"}
    assert all(reason.startswith("It holds a record longer than 64 MB") for reason in ledger.values())


@pytest.mark.parametrize("name", ["x.jsonl.gz", "x.csv.gz", "header.csv.gz", "sparse.jsonl.gz"])
def test_a_file_of_line_ends_is_read_quickly_to_its_end(landing, name):
    begin = b"workspace_id\n" if name == "x.csv.gz" else b""
    lines = b"\n" * (16 * MB - 3) + (b"{}\n" if name == "sparse.jsonl.gz" else b"\n\n\n")
    end = b"workspace_id\nw1\n" if name.endswith("csv.gz") else b'{"workspace_id": "w1"}\n'
    end = b"w1\n" if name == "x.csv.gz" else end
    content = gzip.compress(begin) + gzip_bomb(lines, 16) + gzip.compress(end)
    landing.put(f"workspaces/{name}", "").write_bytes(content)
    started = time.monotonic()
    landing.load()
    assert time.monotonic() - started < 90
    found = landing.query("select count(*), max(row_number) from raw.workspaces where workspace_id = 'w1'")
    lines_before = 0 if name.endswith("csv.gz") else 16 * (16 * MB - 2 + 2 * (name == "x.jsonl.gz"))
    assert found == [(2, lines_before + 1)]


@pytest.mark.parametrize("name", ["x.csv", "x.csv.gz", "x.jsonl.bz2", "x.json.zst", "x.parquet", "x.avro"])
def test_a_file_larger_than_the_limit_is_set_aside_by_its_unpacked_size(landing, monkeypatch, name):
    records = [{"workspace_id": f"w{number:07}", "name": "x" * 100} for number in range(20_000)]
    file = landing.put(f"events/../workspaces/{name}", "")
    if name == "x.parquet":
        pq.write_table(pa.Table.from_pylist(records), file)
    elif name == "x.avro":
        types = [{"name": column, "type": "string"} for column in records[0]]
        with file.open("wb") as stream:
            fastavro.writer(stream, {"type": "record", "name": "w", "fields": types}, records, "deflate")
    else:
        lines = [",".join(record.values()) for record in records]
        text = "\n".join(
            ["workspace_id,name", *lines] if "csv" in name else map(json.dumps, records)
        ).encode()
        pack = {".gz": gzip.compress, "bz2": bz2.compress, "zst": lambda text: pa.compress(text, "zstd")}
        file.write_bytes(pack.get(name[-3:], bytes)(text))
    monkeypatch.setenv("GOALPOST_MAX_FILE_GB", "0.001")
    small = Settings(home=landing.settings.home, landing=landing.settings.landing)
    land.land_new_files(small)
    reason = landing.ledger()[f"workspaces/{name}"]
    assert reason.startswith(
        "It is larger than 0.001 GB, unpacked: land it in smaller files, or raise GOALPOST_"
    )
    assert landing.workspaces() == [(1, "w1", "Acme", None)]
    monkeypatch.delenv("GOALPOST_MAX_FILE_GB")
    file.rename(file.with_name("again" + name[1:]))
    assert landing.load().rows_by_table == {"workspaces": 20_000}


def test_a_parquet_file_that_repeats_one_long_text_is_set_aside(landing, monkeypatch):
    """Ten kilobytes that say: a million rows have the same text of a megabyte."""
    table = pa.table({"workspace_id": pa.DictionaryArray.from_arrays([0] * 1_000_000, ["x" * MB])})
    file = landing.put("workspaces/x.parquet", "")
    pq.write_table(table, file, compression="zstd")
    assert file.stat().st_size < 100_000
    landing.load()
    assert landing.ledger()["workspaces/x.parquet"].startswith("It is larger than 20 GB, unpacked")


def test_a_record_of_64_mb_loads_and_a_longer_one_is_set_aside(landing):
    for size, name in [(rows.RECORD_BYTES - 100, "long"), (rows.RECORD_BYTES + 1, "longer")]:
        landing.put(f"workspaces/{name}.csv", f"workspace_id,name\nw1,{'x' * size}\n")
        landing.put(f"workspaces/{name}.json", f'[{{"workspace_id": "w1", "name": "{"x" * size}"}}, {{}}]')
    landing.load()
    found = landing.query(
        "select path, rows, left(reason, 38) from raw.files where path like '%long%' order by 1"
    )
    too_long = "It holds a record longer than 64 MB: i"
    assert found == [
        ("workspaces/long.csv", 1, None),
        ("workspaces/long.json", 2, None),
        ("workspaces/longer.csv", 0, too_long),
        ("workspaces/longer.json", 0, too_long),
    ]


def test_nesting_and_keys_without_end_break_nothing(landing):
    landing.put("events/deep.jsonl", '{"workspace_id": ' + "[" * 3_000_000 + "]" * 3_000_000 + "}")
    landing.put("events/open.jsonl", '{"workspace_id": ' + "[" * 6_000_000)
    landing.put("events/keys.jsonl", json.dumps({f"key {number}": 1 for number in range(200_000)}))
    landing.put("events/long_key.jsonl", json.dumps({"k" * 10_000_000: 1}))
    landing.put("events/columns.csv", "workspace_id,event_id," + "c," * 100_000 + "\n")
    table = pa.table({"workspace_id": ["w"], "event_id": ["e"]} | {f"c{n}": [n] for n in range(3_000)})
    pq.write_table(table, landing.put("events/columns.parquet", ""))
    landing.load()
    assert set(landing.ledger().values()) == {"loaded"}
    assert landing.query("select max(len(unknown_columns)), max(len(unknown_columns[1])) from raw.files") == [
        (rows.MOST_UNKNOWN, rows.LONGEST_NAME)
    ]


def avro_file(landing: Landing, schema: dict, blocks: list[tuple[int, bytes]], codec: str = "null"):
    """A container file of these blocks: (records, content)."""
    file = landing.put("workspaces/x.avro", "")
    with file.open("wb") as stream:
        fastavro.writer(stream, avro_schema.parse_schema(schema), [], codec)
    content = file.read_bytes()
    sync = content[-16:]
    for count, block in blocks:
        content += zigzag(count) + zigzag(len(block)) + block + sync
    file.write_bytes(content)


def zigzag(number: int) -> bytes:
    number, encoded = number << 1, b""
    while number > 127:
        encoded, number = encoded + bytes([number & 127 | 128]), number >> 7
    return encoded + bytes([number])


def record_of(**types) -> dict:
    return {
        "type": "record",
        "name": "w",
        "fields": [{"name": name, "type": type_} for name, type_ in types.items()],
    }


AVRO_BOMBS = {
    "a block that unpacks to a gigabyte": (
        record_of(workspace_id="string"),
        [(1, zlib.compress(b"x" * 1024 * MB, 1, wbits=-15))],
        "It holds a block larger than 64 MB",
        "deflate",
    ),
    "rows of nothing": (
        record_of(workspace_id="null"),
        [(2**40, b"")],
        "It holds rows without a single value",
        "null",
    ),
    "a list of nothings": (
        record_of(workspace_id="string", name={"type": "array", "items": "null"}),
        [(1, b"\x02w" + zigzag(2**40) + b"\x00")],
        "It has a list whose items hold nothing",
        "null",
    ),
    "a type within itself": (
        record_of(workspace_id="string", next={"type": "array", "items": "w"}),
        [(1, b"\x02w" + b"\x02" * 5_000_000)],
        "Its type w holds itself",
        "null",
    ),
    "a text of a terabyte": (
        record_of(workspace_id="string"),
        [(1, zigzag(2**40) + b"w")],
        "It is no readable Avro file",
        "null",
    ),
    "a block that is cut off": (
        record_of(workspace_id="string"),
        [(3, b"\x02w\x02w")],
        "It is no readable Avro file",
        "null",
    ),
}


@pytest.mark.parametrize(("schema", "blocks", "reason", "codec"), AVRO_BOMBS.values(), ids=AVRO_BOMBS)
def test_an_avro_file_that_says_it_holds_more_than_it_does_is_set_aside(
    landing, schema, blocks, reason, codec
):
    avro_file(landing, schema, blocks, codec)
    landing.load()
    assert landing.ledger()["workspaces/x.avro"].startswith(reason)
    assert landing.workspaces() == [(1, "w1", "Acme", None)]


def test_a_file_that_needs_more_memory_than_there_is_stops_no_later_one(landing, monkeypatch):
    """DuckDB really runs out of memory: with 100 MB for parsing one value of 60 MB."""
    landing.put("events/a.jsonl", json.dumps({"workspace_id": "w", "event_id": "x" * 60 * MB}))
    connect = land.connect

    def with_little_memory(settings):
        connection = connect(settings)
        connection.execute("set memory_limit = '100MB'; set max_temp_directory_size = '0B'")
        return connection

    monkeypatch.setattr(land, "connect", with_little_memory)
    landing.load()
    assert landing.ledger() == {
        "events/a.jsonl": "It needs more memory than DuckDB may use here: land it again in smaller files.",
        "workspaces/z.csv": "loaded",
    }


@pytest.mark.parametrize("limit", ["0", "-1", "many"])
def test_a_limit_that_is_no_positive_number_is_refused(monkeypatch, limit):
    monkeypatch.setenv("GOALPOST_MAX_FILE_GB", limit)
    with pytest.raises(ValidationError, match="max_file_gb"):
        Settings()
