"""Small landings as real senders write them (tests/field): everything is read, or refused with a reason.

Each is written by hand after public bug reports; its people are invented.
"""

import shutil
from datetime import datetime
from pathlib import Path

import pytest
from pipeline import Pipeline

from orchestration.landing import land_new_files, list_landing

FIELD = Path(__file__).parent / "field"


@pytest.fixture
def land(tmp_path):
    """Copy a field case to where the pipeline lands; empty folders and links do not live in Git."""

    def copy(case: str) -> Pipeline:
        pipeline = Pipeline(tmp_path)
        shutil.copytree(FIELD / case, pipeline.landing)
        return pipeline

    return copy


def texts(pipeline: Pipeline, query: str) -> dict:
    return {key: value for key, value in (row.values() for row in pipeline.query(query))}


BAD_ROWS = """
    select path, problem from quarantine.deliveries where reason_code = 'bad_row'
"""


def test_csv_as_mysql_postgres_snowflake_pandas_and_excel_write_it(land):
    pipeline = land("mautic-mysql-excel-csv")
    pipeline.run(datetime(2025, 4, 1))
    refused = texts(pipeline, "select path, reason from raw.files where outcome = 'set_aside'")
    assert set(refused) == {
        "deliveries/a email_stats as is.csv",
        "deliveries/c excel semicolon latin1.csv",
        "deliveries/d utf16.csv",
    }
    assert 'its header is "id, email_id, lead_id,' in refused["deliveries/a email_stats as is.csv"]
    assert "Jörg" in refused["deliveries/c excel semicolon latin1.csv"]
    assert "UTF-16" in refused["deliveries/d utf16.csv"]

    assert texts(pipeline, BAD_ROWS) == {
        f"deliveries/{path}.csv": f"the record has {counts}; raw_record holds it"
        for path, counts in [
            ("f footer", "1 fields, the header has 11"),
            ("l mysql backslash", "13 fields, the header has 12"),
        ]
    }
    # MySQL's \\N is no id and no time.
    rows = pipeline.query("select * from raw.deliveries where delivery_id in ('m1', 'n2')")
    assert {(row["journey_id"], row["message_id"]) for row in rows} == {(None, None)}
    assert {row["sent_at"] for row in rows} == {"2025-03-01 10:00:00", None}
    # Semicolons, a byte order mark, Excel's first line, capitals and blanks in the header.
    staged = {row["delivery_id"] for row in pipeline.query("select delivery_id from staging.stg_deliveries")}
    assert {"n1", "n2", "x2", "z1", "z2", "f1", "g1", "i1", "j1", "l2"} <= staged
    enrolled = {row["delivery_id"] for row in pipeline.mart("fct_enrollments")}
    assert {"n1", "x2", "z1", "z2", "f1", "g1", "i1", "j1", "l2"} <= enrolled


def test_parquet_as_every_writer_types_it(land):
    pipeline = land("parquet-types")
    pipeline.run(datetime(2025, 4, 1))
    assert pipeline.query("select path from raw.files where outcome = 'set_aside'") == []
    people = texts(
        pipeline,
        "select delivery_id, profile_id from raw.deliveries "
        "where regexp_matches(delivery_id, '^(dbl|dbg|dec|de9|int)')",
    )
    assert people == {
        **{"int0": "12345", "int1": "12346", "int2": "12347"},
        **{"dbl0": "42345", "dbl1": None, "dbl2": "42347"},
        **{"dbg0": "9007199254740992", "dbg1": None, "dbg2": "100000000000000000"},
        **{"dec0": "22345", "dec1": "22346", "dec2": "22347"},
        **{"de90": "32345", "de91": "32345", "de92": "32345"},
    }
    # A number id is the same person as in the other tables, whatever its type.
    converted = {row["profile_id"] for row in pipeline.mart("fct_conversions")}
    assert {"12345", "22345", "32345", "42345", "100000000000000000"} <= converted
    landed = pipeline.query("select * from raw.deliveries")
    assert {row["sequence"] for row in landed if row["delivery_id"].startswith("sqd")} == {"1740823200000"}
    assert {row["sequence"] for row in landed if row["delivery_id"].startswith("sq0")} == {"5"}
    assert {row["is_holdout"] for row in landed if row["delivery_id"] in ("bi0", "bi1", "bi2")} == {"0", "1"}
    assert {row["profile_id"] for row in landed if row["delivery_id"].startswith("UP")} == {
        "UP-p0",
        "UP-p1",
        "UP-p2",
    }
    # NaN in a struct is null: the purchase counts, without an amount.
    [nan] = pipeline.query("select properties from raw.events where event_id = 'ev-bin'")
    assert nan == {"properties": '{"total":null}'}
    assert "bin-p0" in {row["profile_id"] for row in pipeline.mart("fct_achievements")}


def test_names_and_packings_of_real_landings_are_read_or_listed(land):
    pipeline = land("suffixes-hive-multimember")
    report = land_new_files(pipeline.settings)
    assert {entry.path: entry.rows for entry in report.loaded if entry.table_name == "deliveries"} == {
        **{f"deliveries/{name}": 2 for name in ("UPPER.JSONL", "a.json", "a.jsonl.bz2", "a.jsonl.zst")},
        **{f"deliveries/{name}": 2 for name in ("a.ndjson", "ok.jsonl", "padded.jsonl.gz")},
        **{f"deliveries/{name}": 5 for name in ("multi nonl.jsonl.gz", "multi.jsonl.gz")},
        **{f"deliveries/{name}": 0 for name in ("a.csv.zst", "a.tsv", "empty.jsonl", "empty.jsonl.gz")},
        "deliveries/array.json": 1,
        "deliveries/dt=2025-01-01/hour=03/part 0001.jsonl": 2,
        "deliveries/workspace_id=other/part.jsonl": 2,
        "deliveries/Übung 🎉 [1] #%20.jsonl": 2,
    }
    avro = "deliveries/event_type=users.messages.email.Send/date=2025-03-01-10/435/us/dataexport.avro"
    begins = {
        avro: "It is no readable Avro file",
        "deliveries/empty.csv": "It has no header.",
        "deliveries/empty.parquet": "It is no readable Parquet file",
        "deliveries/gzip inside.jsonl": "It is gzip, which its name does not tell",
        "deliveries/not gzip.jsonl.gz": "It is not packed, though its name ends in .gz",
        "deliveries/trailing garbage.jsonl.gz": "It is no whole gzip file",
    }
    assert {entry.path for entry in report.set_aside} == set(begins)
    assert all(entry.reason.startswith(begins[entry.path]) for entry in report.set_aside)
    assert [entry.path for entry in report.ignored] == [
        "Deliveries",
        "deliveries/1740823200000.a1b2c3.gz",
        "deliveries/_SUCCESS",
        "deliveries/firehose-1-2025-03-01-10-00-00-abc",
        "delivery",
    ]
    assert report.ignored == list_landing(pipeline.settings).ignored
