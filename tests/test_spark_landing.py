"""Landing on Spark gives the rows and the ledger that landing on DuckDB gives (`make test-spark`)."""

import bz2
import gzip
import io
import os
import random
import shutil
from pathlib import Path

import pyarrow
import pyarrow.parquet
import pytest
from landing_support import Landing
from spark_pipeline import cluster
from test_worlds import FORMATS, as_json
from worlds import merged, world, write

from orchestration.contract import RAW_TABLES
from orchestration.settings import Settings
from orchestration.spark import landing as spark_landing
from orchestration.spark.connection import Spark, connect
from orchestration.spark.landing import land_new_files

pytestmark = pytest.mark.skipif("GOALPOST_SPARK" not in os.environ, reason="it needs Spark: make test-spark")

FIELD = Path(__file__).parent / "field"
LEDGER = ("path", "table_name", "content_hash", "rows", "outcome", "csv_delimiter", "csv_fields")
WORKSPACE = '{"workspace_id":"w","name":"n"}\n'
UNREAD_BY_SPARK = {
    "deliveries/codec brotli.parquet",
    "deliveries/uuid bytes.parquet",
    "deliveries/padded.jsonl.gz",
    "deliveries/a.csv.zst",
    "deliveries/a.jsonl.zst",
}


@pytest.fixture(scope="module")
def port(tmp_path_factory):
    with cluster(tmp_path_factory.mktemp("spark")) as port:
        yield port


@pytest.fixture
def spark(port):
    with connect(Settings(spark_port=port)) as session:
        session.run("create schema if not exists raw")
        for table in ("files", *RAW_TABLES):
            session.run(f"drop table if exists raw.{table}")
        yield session


@pytest.fixture
def landing(tmp_path):
    return Landing(tmp_path)


@pytest.mark.parametrize("seed", [1, 2])
def test_worlds_land_as_on_duckdb(seed, landing, spark):
    worlds = merged(world(seed * 1000 + number) for number in range(40))
    write(worlds, landing.folder, files_per_table=3, formats=FORMATS, seed=seed)
    assert differences(landing, spark) == []


def test_records_have_their_numbers_when_many_tasks_read_a_file(landing, spark):
    worlds = merged(world(number) for number in range(20))
    write(worlds, landing.folder, files_per_table=1, formats=("jsonl", "csv"))
    row_groups(landing, 5000, 100)
    lines = [
        f'{{"workspace_id":"{number}","name":"{random.Random(number).random()}"}}' for number in range(30_000)
    ]
    landing.put("workspaces/many.jsonl.bz2", bz2.compress("\n".join(lines).encode(), 1))
    spark.run("set spark.sql.files.maxPartitionBytes = 20000")
    assert differences(landing, spark) == []


@pytest.mark.parametrize("case", sorted(path.name for path in FIELD.iterdir()))
def test_files_as_real_senders_write_them_land_as_on_duckdb(case, landing, spark):
    shutil.copytree(FIELD / case, landing.folder, dirs_exist_ok=True)
    found = differences(landing, spark)
    assert [text for text in found if not any(path in text for path in UNREAD_BY_SPARK)] == []


@pytest.mark.parametrize("seed", [1, 2])
def test_random_text_lands_as_on_duckdb(seed, landing, spark):
    dice = random.Random(seed)
    for number in range(60):
        suffix, text = dice.choice([("csv", random_csv), ("json", random_json), ("json", random_json)])
        packing = dice.choice(["", ".gz", ".bz2"])
        content = text(dice).encode()
        content = bz2.compress(content) if packing == ".bz2" else content
        landing.put(f"segments/{number:03}.{suffix}{packing}", content)
    assert differences(landing, spark) == []


def test_a_file_that_landed_changes_nothing_and_changed_content_is_a_new_file(landing, spark):
    file = landing.put("workspaces/a.jsonl", WORKSPACE)
    assert land(landing, spark) == {"workspaces/a.jsonl": "loaded"}
    assert land(landing, spark) == {}
    os.utime(file, (0, 0))
    assert land(landing, spark) == {}
    assert spark.value("select count(*) from raw.workspaces") == 1
    landing.put("workspaces/a.jsonl", WORKSPACE * 2)
    assert land(landing, spark) == {"workspaces/a.jsonl": "loaded"}
    assert spark.rows("select file_id, row_number from raw.workspaces order by all") == [
        {"file_id": 1, "row_number": 1},
        {"file_id": 2, "row_number": 1},
        {"file_id": 2, "row_number": 2},
    ]


def test_after_a_kill_between_the_commits_each_row_lands_once(landing, spark, monkeypatch):
    landing.put("events/a.jsonl", '{"workspace_id":"w","event_id":"e"}')
    landing.put("workspaces/a.jsonl", WORKSPACE)
    with monkeypatch.context() as patch:
        patch.setattr(spark_landing, "insert_rows", killed)
        with pytest.raises(KeyboardInterrupt):
            land(landing, spark)
    assert spark.value("select count(*) from raw.events") == 1
    assert spark.value("select count(*) from raw.files") == 0
    assert differences(landing, spark) == []


def test_a_faulty_file_of_each_format_is_set_aside_and_the_others_load(landing, spark):
    parquet = parquet_bytes({"workspace_id": ["w"] * 1000, "name": [str(number) for number in range(1000)]})
    packed = gzip.compress(os.urandom(100_000).hex().encode())
    faulty = {
        "b.jsonl": WORKSPACE.encode() + b'{"workspace_id":"J\xf6rg"}',
        "c.csv": b"workspace_id,name\nw,J\xf6rg\n",
        "d.csv": b"a,b\n1,2\n",
        "e.csv": b"",
        "f.json": b'[{"workspace_id":"w"}',
        "g.json": b'[{"workspace_id":"w"}] x',
        "h.parquet": parquet[:1000],
        "i.parquet": parquet[:100] + bytes(200) + parquet[300:],
        "k.jsonl.bz2": bz2.compress(os.urandom(5000))[:3000],
        "l.jsonl.zst": b"\x28\xb5\x2f\xfd0",
        "m.avro": b"Obj\x01",
        "n.jsonl.GZ": gzip.compress(WORKSPACE.encode()),
    }
    twice = pyarrow.Table.from_arrays([pyarrow.array(["w"])] * 2, ["workspace_id"] * 2)
    pyarrow.parquet.write_table(twice, landing.put("workspaces/o.parquet", ""))
    landing.put("workspaces/a.jsonl", WORKSPACE)
    for name, content in faulty.items():
        landing.put(f"workspaces/{name}", content)
    landing.put("workspaces/j.jsonl", "").with_suffix(".jsonl.gz").write_bytes(packed[:90_000])
    landing.put("workspaces/z.csv", "workspace_id\nw\n")
    found = land(landing, spark)
    assert {path for path, reason in found.items() if reason == "loaded"} == {
        "workspaces/a.jsonl",
        "workspaces/j.jsonl",
        "workspaces/z.csv",
    }
    assert "Jörg" in found["workspaces/b.jsonl"]
    assert "Unexpected end of input stream" in found["workspaces/j.jsonl.gz"]
    assert "two columns workspace_id" in found["workspaces/o.parquet"]
    assert "in lower case" in found["workspaces/n.jsonl.GZ"]
    assert spark.value("select count(*) from raw.workspaces") == 2


def test_a_vendors_file_is_ignored_with_a_reason(landing, spark):
    landing.put("customer_io/workspace=w/metrics_v4_1.parquet", "")
    [ignored] = land_new_files(landing.settings, spark).ignored
    assert "vendor's file, which is not landed on Spark yet" in ignored.reason


def killed(*_):
    raise KeyboardInterrupt


def land(landing: Landing, spark: Spark) -> dict[str, str]:
    return {row.path: row.reason or row.outcome for row in land_new_files(landing.settings, spark).files}


def differences(landing: Landing, spark: Spark) -> list[str]:
    """Between what lands on DuckDB and on Spark, by path and row number. JSON is compared as such: each
    engine spells numbers in its own way."""
    landing.load()
    land_new_files(landing.settings, spark)
    ledger = f"select {', '.join(LEDGER)}, {{}} from raw.files"
    found = compare(
        "files",
        (*LEDGER, "unknown_columns"),
        landing.query(ledger.format("to_json(unknown_columns)")),
        spark.rows(ledger.format("to_json(unknown_columns) as unknown_columns")),
    )
    for table in RAW_TABLES.values():
        columns = [column.name for column in table.columns] + ["raw_record", "vendor_record"]
        names = ", ".join(f"landed.{name}" for name in columns)
        rows = (
            f"select path, row_number, {names} from raw.{table.name} as landed join raw.files using (file_id)"
        )
        found += compare(table.name, ("path", "row_number", *columns), landing.query(rows), spark.rows(rows))
    return found


def compare(name: str, columns: tuple[str, ...], wanted: list[tuple], found: list[dict]) -> list[str]:
    def comparable(row) -> tuple:
        return tuple(
            as_json(value) if isinstance(value, str) and value[:1] in "{[" else value for value in row
        )

    lacking = sorted(map(comparable, wanted), key=repr)
    extra = []
    for row in map(comparable, (row.values() for row in found)):
        lacking.remove(row) if row in lacking else extra.append(row)
    return [
        f"{name} {word} {dict(zip(columns, row, strict=True))}"
        for word, rows in (("lacks", lacking), ("should not have", extra))
        for row in rows
    ]


def row_groups(landing: Landing, rows: int, size: int) -> None:
    texts = [str(number) for number in range(rows)]
    columns = {"workspace_id": texts, "segment_id": texts, "updated_at": texts, "filter": texts}
    landing.put("segments/many.parquet", parquet_bytes(columns, row_group_size=size))


def parquet_bytes(columns: dict[str, list], **options) -> bytes:
    buffer = io.BytesIO()
    pyarrow.parquet.write_table(pyarrow.table(columns), buffer, **options)
    return buffer.getvalue()


def random_csv(dice: random.Random) -> str:
    delimiter, end = dice.choice(",;\t|"), dice.choice(["\n", "\r\n", "\r", "\n"])
    begin = dice.choice(["", "", "\ufeff", "\r\n", f"sep={delimiter}\n"])
    plain = ["a", " ", "é", "\\N", '5"']
    wild = [*plain, '"', '""', delimiter, "\n", "\r"]
    pieces = dice.choice([plain, plain, wild])
    records = [["workspace_id", "segment_id", "updated_at", "filter"]]
    for _ in range(dice.randint(0, 12)):
        record = [
            "".join(dice.choices(pieces, k=dice.randint(0, 4))) for _ in range(dice.choice([4, 4, 4, 3, 5]))
        ]
        if dice.random() < 0.3:
            quoted = "".join(dice.choices(["a", delimiter, '""', "\\N", end], k=3))
            record[0] = f'"{quoted}"'
        records.append(record)
    return begin + end.join(map(delimiter.join, records)) + dice.choice(["", end, end * 2])


VALUES = (
    *(
        "1",
        "42345.0",
        "1e3",
        "1.5e3",
        "-0.0",
        '"a"',
        '"42.0"',
        "null",
        "true",
        '""',
        '"\\ud800"',
        '"\\ud83d\\ude00"',
    ),
    *(
        '"\\\\ud800"',
        '"{\\"a\\":1}"',
        '{"a":[1,{"b":"}"}],"c":"\\""}',
        '[1,"x"]',
        "12345678901234567890",
        '"é"',
    ),
    *("01", "'a'", '"\t"', '"\\u0000"'),
)


def random_json(dice: random.Random) -> str:
    lines = []
    for _ in range(dice.randint(0, 12)):
        names = dice.sample(
            ["workspace_id", "segment_id", "updated_at", "filter", "name", "sequence", "x.y"], 5
        )
        fields = [f'"{name}"{dice.choice([":", " : "])}{dice.choice(VALUES)}' for name in names]
        line = "{" + dice.choice([",", " , "]).join(fields) + "}"
        odd = [line[:-1], line + "x", f" {line} ", "", "  ", "[1]", '"x"', "null", "{", "}"]
        lines.append(dice.choice(odd) if dice.random() < 0.15 else line)
    if dice.random() < 0.5:
        return dice.choice(["\n", "\r\n"]).join(lines) + dice.choice(["", "\n"])
    return (
        dice.choice(["[", " \n[ "])
        + dice.choice([",", ",\n", " ,\n  "]).join(lines)
        + dice.choice(["]", "\n]\n"])
    )
