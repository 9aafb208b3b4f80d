"""Parquet: values of every type as text."""

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from landing_support import Landing


@pytest.fixture
def landing(tmp_path):
    return Landing(tmp_path)


VALUES = {
    "'Acme'": "Acme",
    "''": None,
    "null::varchar": None,
    "null::integer": None,
    "true": "true",
    "42::tinyint": "42",
    "18446744073709551615::ubigint": "18446744073709551615",
    "1.50::decimal(9, 2)": "1.50",
    "0.1::double": "0.1",
    "1::double": "1.0",
    "date '2026-01-31'": "2026-01-31",
    "timestamp '2026-01-31 10:00:00'": "2026-01-31T10:00:00.000000",
    "timestamp_s '2026-01-31 10:00:00'": "2026-01-31T10:00:00.000000",
    "timestamp_ms '2026-01-31 10:00:00.5'": "2026-01-31T10:00:00.500000",
    "timestamp_ns '2026-01-31 10:00:00.123456789'": "2026-01-31T10:00:00.123456",
    "timestamp_ns '1969-12-31 23:59:59.999999999'": "1969-12-31T23:59:59.999999",
    "timestamptz '2026-01-31 10:00:00.25+02:00'": "2026-01-31T08:00:00.250000",
    "{'b': 1, 'a': [true, null], 'c': 'say \"é\"'}": '{"b":1,"a":[true,null],"c":"say \\"é\\""}',
    "map {'k': 1.5}": '{"k":1.5}',
    "[]::varchar[]": "[]",
    "[1, 2]": "[1,2]",
    '\'{ "a" : 1, "a" : 2 }\'::json': '{ "a" : 1, "a" : 2 }',
    "'bytes'::blob": "bytes",
    "uuid '12345678-1234-5678-1234-567812345678'": "12345678-1234-5678-1234-567812345678",
}


def test_a_value_is_kept_as_text(landing, tmp_path):
    path = tmp_path / "x.parquet"
    duckdb.sql("set timezone = 'Asia/Tokyo'")
    for number, value in enumerate(VALUES):
        duckdb.sql(f"copy (select 'w1' as workspace_id, {value} as name) to '{path}'")
        landing.put(f"workspaces/{number:02}.parquet", path.read_bytes())
    landing.load()
    assert dict(zip(VALUES, [name for _, _, name, _ in landing.workspaces()], strict=True)) == VALUES


NOT_FINITE = {
    "'nan'::double": None,
    "'-inf'::float": None,
    "'infinity'::timestamp": None,
    "{'a': 'nan'::double, 'b': [1.5, 'inf'::double], 'c\"': map {'k': '-inf'::float}}": (
        '{"a":null,"b":[1.5,null],"c\\"":{"k":null}}'
    ),
    "[{'a': [{'b': 'nan'::double, 'c': 'x'}]}, null]": '[{"a":[{"b":null,"c":"x"}]},null]',
    "null::struct(a double)": None,
    "{'a': 1.0}": '{"a":1.0}',
}


def test_what_is_not_finite_is_null_nested_or_not(landing, tmp_path):
    path = tmp_path / "x.parquet"
    for number, value in enumerate(NOT_FINITE):
        duckdb.sql(f"copy (select 'w1' as workspace_id, {value} as name) to '{path}'")
        landing.put(f"workspaces/{number:02}.parquet", path.read_bytes())
    landing.load()
    found = [name for _, _, name, _ in landing.workspaces()]
    assert dict(zip(NOT_FINITE, found, strict=True)) == NOT_FINITE


WHOLE = {
    "42345::double": "42345",
    "9007199254740992::double": "9007199254740992",
    "1e17::double": "100000000000000000",
    "1e22::double": "10000000000000000000000",
    "123456792::float": "123456792",
    "-0.0::double": "0",
    "0.5::double": "0.5",
    "32345::decimal(38, 9)": "32345",
    "32345.5::decimal(38, 9)": "32345.500000000",
    "100::decimal(38, 0)": "100",
    "'42345.0'": "42345.0",
    "'nan'::double": None,
}


def test_a_whole_number_is_its_integer_text_in_an_id_or_an_integer_only(landing, tmp_path):
    path = tmp_path / "x.parquet"
    for number, value in enumerate(WHOLE):
        duckdb.sql(
            f"copy (select {value} as workspace_id, 1::double as name, {value} as sequence) to '{path}'"
        )
        landing.put(f"workspaces/{number:02}.parquet", path.read_bytes())
    landing.load()
    found = landing.query("select workspace_id, sequence, name from raw.workspaces order by file_id")
    assert found == [(text, text, "1.0") for text in WHOLE.values()]


def test_what_pandas_and_arrow_write_reads_the_same(landing, tmp_path):
    path = tmp_path / "x.parquet"
    table = pa.table(
        {
            "workspace_id": pa.array(["w1", None]).dictionary_encode(),
            "name": pa.array([1_000_000_001, None], pa.timestamp("ns", tz="America/New_York")),
            "currency": pa.nulls(2),
        }
    )
    pq.write_table(table, path, use_deprecated_int96_timestamps=False)
    assert landing.load_one("workspaces/x.parquet", path.read_bytes()) == [
        (1, "w1", "1970-01-01T00:00:01.000000", None),
        (2, None, None, None),
    ]


def test_rows_are_numbered_as_they_lie_in_the_file_across_row_groups(landing, tmp_path):
    path = tmp_path / "x.parquet"
    duckdb.sql(
        f"copy (select (i % 7)::varchar || '-' || i as workspace_id from range(30000) _(i)) to '{path}' "
        "(row_group_size 2048)"
    )
    landing.put("workspaces/x.parquet", path.read_bytes())
    landing.load()
    assert landing.query(
        "select count(*), count(distinct row_number), "
        "count_if(split_part(workspace_id, '-', 2)::bigint = row_number - 1) from raw.workspaces"
    ) == [(30000, 30000, 30000)]


def test_a_file_without_the_key_columns_is_set_aside_and_told_what_it_has(landing, tmp_path):
    path = tmp_path / "x.parquet"
    duckdb.sql(f"copy (select 1 as name, 2 as plan) to '{path}'")
    landing.put("workspaces/x.parquet", path.read_bytes())
    landing.load()
    assert landing.ledger() == {
        "workspaces/x.parquet": "It has no column workspace_id. Its columns are "
        '"name, plan". It needs at least workspace_id.'
    }


def test_a_file_without_rows_is_loaded(landing, tmp_path):
    path = tmp_path / "x.parquet"
    duckdb.sql(f"copy (select 'w1' as workspace_id limit 0) to '{path}'")
    assert landing.load_one("workspaces/x.parquet", path.read_bytes()) == []
    assert landing.ledger() == {"workspaces/x.parquet": "loaded"}
