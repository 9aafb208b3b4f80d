"""Avro: values of every type as text."""

from datetime import UTC, date, datetime
from decimal import Decimal
from uuid import UUID

import fastavro
import pytest
from landing_support import Landing


@pytest.fixture
def landing(tmp_path):
    return Landing(tmp_path)


def write(landing: Landing, path: str, types: dict, records: list[dict], codec: str = "null") -> None:
    fields = [{"name": name, "type": type_} for name, type_ in types.items()]
    with landing.put(path, "").open("wb") as file:
        fastavro.writer(file, {"type": "record", "name": "row", "fields": fields}, records, codec)


def logical(type_: str, logical_type: str, **more) -> dict:
    return {"type": type_, "logicalType": logical_type, **more}


STRUCT = {
    "type": "record",
    "name": "inner",
    "fields": [{"name": "b", "type": "double"}, {"name": "a", "type": {"type": "array", "items": "double"}}],
}
# type, value, text in a column of text, text in an id
VALUES = [
    ("string", "Acme", "Acme", "Acme"),
    ("string", "", None, None),
    ("string", "42345.0", "42345.0", "42345.0"),
    (["null", "string"], None, None, None),
    ("boolean", True, "true", "true"),
    ("int", 42, "42", "42"),
    ("long", 2**62, str(2**62), str(2**62)),
    ("double", 0.1, "0.1", "0.1"),
    ("double", 42345.0, "42345.0", "42345"),
    (["null", "double"], 1e17, "1e+17", "100000000000000000"),
    ("float", 0.1, "0.1", "0.1"),
    ("double", float("nan"), None, None),
    ("double", float("-inf"), None, None),
    (logical("bytes", "decimal", precision=38, scale=9), Decimal("32345"), "32345.000000000", "32345"),
    (logical("bytes", "decimal", precision=9, scale=2), Decimal("1.5"), "1.50", "1.50"),
    (
        logical("long", "timestamp-micros"),
        datetime(2025, 3, 1, 10, tzinfo=UTC),
        "2025-03-01T10:00:00.000000",
        ...,
    ),
    (
        logical("long", "timestamp-millis"),
        datetime(2025, 3, 1, 10, tzinfo=UTC),
        "2025-03-01T10:00:00.000000",
        ...,
    ),
    (logical("int", "date"), date(2025, 3, 1), "2025-03-01", ...),
    (logical("string", "uuid"), UUID(int=1), "00000000-0000-0000-0000-000000000001", ...),
    ("bytes", b"bytes", "bytes", "bytes"),
    ({"type": "enum", "name": "e", "symbols": ["email", "sms"]}, "sms", "sms", "sms"),
    (STRUCT, {"b": float("nan"), "a": [1.5, float("inf")]}, '{"b":null,"a":[1.5,null]}', ...),
    ({"type": "map", "values": ["null", "string"]}, {'k"': "é", "n": None}, '{"k\\"":"é","n":null}', ...),
]


def test_a_value_is_kept_as_text_and_a_whole_number_in_an_id_as_its_integer(landing):
    for number, (type_, value, *_) in enumerate(VALUES):
        types = {
            "Workspace_ID": type_,
            "name": type_ if not isinstance(type_, dict) or "name" not in type_ else type_["name"],
        }
        write(landing, f"workspaces/{number:02}.avro", types, [{"Workspace_ID": value, "name": value}])
    assert landing.load().set_aside == []
    found = landing.workspaces()
    assert [name for _, _, name, _ in found] == [text for _, _, text, _ in VALUES]
    ids = [text if in_id is ... else in_id for _, _, text, in_id in VALUES]
    assert [workspace_id for _, workspace_id, _, _ in found] == ids


@pytest.mark.parametrize("codec", ["null", "deflate", "bzip2", "xz", "snappy", "zstandard"])
def test_every_codec_reads_and_rows_are_numbered_as_they_lie_in_the_file(landing, codec):
    records = [{"workspace_id": f"w{number}", "plan": "x"} for number in range(1, 30_001)]
    types = {"workspace_id": "string", "plan": "string"}
    if codec in ("snappy", "zstandard"):
        write_packed(landing, types, records, codec)
    else:
        write(landing, "workspaces/x.avro", types, records, codec)
    landing.load()
    assert landing.query(
        "select count(*), count_if(workspace_id = 'w' || row_number) from raw.workspaces"
    ) == [(30_000, 30_000)]
    assert landing.query("select unknown_columns from raw.files") == [(["plan"],)]


def write_packed(landing: Landing, types: dict, records: list[dict], codec: str) -> None:
    """As other writers do: fastavro itself needs two more libraries for these codecs."""
    import zlib

    import pyarrow as pa

    def snappy(block: bytes) -> bytes:
        return pa.compress(block, "snappy", asbytes=True) + zlib.crc32(block).to_bytes(4)

    pack = snappy if codec == "snappy" else lambda block: pa.compress(block, "zstd", asbytes=True)
    write(landing, "workspaces/x.avro", types, records)
    file = landing.folder / "workspaces" / "x.avro"
    with file.open("rb") as stream:
        reader = fastavro.block_reader(stream)
        blocks = [(block.num_records, block.bytes_.getvalue()) for block in reader]
    fields = [{"name": name, "type": type_} for name, type_ in types.items()]
    schema = {"type": "record", "name": "row", "fields": fields}
    with file.open("wb") as stream:
        fastavro.writer(stream, schema, [], "null")
    content = file.read_bytes().replace(
        b"\x14avro.codec\x08null", b"\x14avro.codec" + long(len(codec)) + codec.encode()
    )
    for count, block in blocks:
        packed = pack(block)
        content += long(count) + long(len(packed)) + packed + content[-16:]
    file.write_bytes(content)


def long(number: int) -> bytes:
    """Avro's encoding: zigzag, seven bits a byte."""
    number, encoded = number << 1, b""
    while number > 127:
        encoded, number = encoded + bytes([number & 127 | 128]), number >> 7
    return encoded + bytes([number])


def test_a_file_cut_off_or_of_no_records_is_set_aside(landing):
    write(landing, "workspaces/a.avro", {"workspace_id": "string"}, [{"workspace_id": "w"}] * 1000)
    file = landing.folder / "workspaces" / "a.avro"
    file.write_bytes(file.read_bytes()[:-100])
    write(landing, "workspaces/b.avro", {"name": "string"}, [])
    with landing.put("workspaces/c.avro", "").open("wb") as stream:
        fastavro.writer(stream, "string", ["w1"])
    write(landing, "workspaces/d.avro", {"workspace_id": "bytes"}, [{"workspace_id": b"\xff\xfe"}])
    landing.load()
    reasons = list(landing.ledger().values())
    assert reasons[0].startswith("It is no readable Avro file")
    assert (
        reasons[1] == 'It has no column workspace_id. Its columns are "name". It needs at least workspace_id.'
    )
    assert reasons[2] == "Its schema is no record: each row has to be one."
    assert reasons[3].startswith("It is no readable Avro file")
    assert landing.workspaces() == []
