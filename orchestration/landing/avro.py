"""Avro object container files, read by fastavro; values of every type as text.

Belongs here: how each type becomes text, and reading blocks so that none is unpacked beyond a limit. Does
not: what the text means (the staging models).
"""

# pyright: reportAttributeAccessIssue=false
# (fastavro's type stubs are incomplete)

import bz2
import json
import lzma
import math
import zlib
from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime
from decimal import Decimal
from io import BytesIO
from typing import Any, BinaryIO, cast

import fastavro
import numpy as np
import pyarrow as pa
from fastavro import _read

from orchestration.landing.rows import (
    RECORD_BYTES,
    VENDOR_FILE,
    WHOLE_NUMBER_TYPES,
    ArrowRows,
    UnreadableFile,
    value,
)

BATCH_ROWS = 10_000


class AvroRows(ArrowRows):
    def read_head(self) -> None:
        with self.path.open("rb") as stream, _faults_told():
            schema = _blocks(stream).writer_schema
        if not isinstance(schema, dict) or schema.get("type") != "record":
            raise UnreadableFile("Its schema is not a record: each row must be one.")
        _judge_types(schema, within=())
        self.fields = schema["fields"]
        self.header = [field["name"] for field in self.fields]
        self.places = self.places_in(self.header)
        names = ["record"] if self.table is VENDOR_FILE else self.places
        columns = [(name, pa.large_string()) for name in names]
        self.schema = pa.schema([("row_number", pa.int64()), *columns])

    def select(self) -> str:
        self.offer()
        columns = [
            value(column, f'"{column.name}"') if column.name in self.places else "null"
            for column in self.table.columns
        ]
        return f"select row_number, {', '.join(columns)}, null from landed"

    def records(self) -> str:
        self.offer()
        return "select row_number, record, null::varchar as raw_record from landed"

    def stream(self) -> Iterator[pa.RecordBatch]:
        types = {column.name: column.type for column in self.table.columns}
        readers = (
            []
            if self.table is VENDOR_FILE
            else [
                (self.header[place], _reader(self.fields[place]["type"], types[name] in WHOLE_NUMBER_TYPES))
                for name, place in self.places.items()
            ]
        )
        last, unpacked = 0, 0
        with self.path.open("rb") as stream, _faults_told():
            for block in _blocks(stream):
                size = block.bytes_.getbuffer().nbytes
                unpacked += size
                if unpacked > self.most_bytes:
                    raise self.too_large()
                if block.num_records > size:
                    raise UnreadableFile("It holds rows without a single value.")
                rows: list[tuple] = []
                for number, record in enumerate(block, last + 1):
                    row = cast(dict[str, Any], record)
                    texts = (read(row[name]) for name, read in readers) if readers else (_record(row),)
                    rows.append((number, *texts))
                    if len(rows) == BATCH_ROWS:
                        yield self._batch(rows)
                        rows = []
                last += block.num_records
                yield self._batch(rows)

    def _batch(self, rows: list[tuple]) -> pa.RecordBatch:
        columns = zip(*rows, strict=True) if rows else ([] for _ in self.schema)
        arrays = [pa.array(column, field.type) for column, field in zip(columns, self.schema, strict=True)]
        return pa.record_batch(arrays, schema=self.schema)


class _faults_told:
    """Turns what fastavro raises for a broken file into UnreadableFile; errors of the disk and memory
    stay."""

    def __enter__(self) -> None:
        pass

    def __exit__(self, kind: type | None, error: BaseException | None, trace: object) -> None:
        if isinstance(error, Exception) and not isinstance(error, OSError | MemoryError | UnreadableFile):
            problem = " ".join(str(error).split()) or type(error).__name__
            raise UnreadableFile(f"It is not a readable Avro file ({problem}).") from error


class _Bounded:
    """Limits each read to the size of a block, because a length in the file may be any number."""

    def __init__(self, stream: BinaryIO):
        self.stream = stream

    def read(self, size: int) -> bytes:
        if size > RECORD_BYTES:
            raise _block_too_large()
        return self.stream.read(size)

    def tell(self) -> int:
        return self.stream.tell()


def _blocks(stream: BinaryIO) -> fastavro.block_reader:
    return fastavro.block_reader(_Bounded(stream))  # pyright: ignore[reportArgumentType]


def _block_too_large() -> UnreadableFile:
    return UnreadableFile(
        f"It holds a block larger than {RECORD_BYTES // 2**20} MB, unpacked: write it in smaller blocks."
    )


def _unpacked_by(unpack: Callable[[bytes], bytes]) -> Callable[[Any], BytesIO]:
    def read_block(decoder: Any) -> BytesIO:
        text = unpack(_read.null_read_block(decoder).getvalue())
        if len(text) > RECORD_BYTES:
            raise _block_too_large()
        return BytesIO(text)

    return read_block


def _unpack_snappy(packed: bytes) -> bytes:
    size, shift = 0, 0
    for byte in packed[:5]:
        size |= (byte & 127) << shift
        shift += 7
        if byte < 128:
            break
    if size > RECORD_BYTES:
        raise _block_too_large()
    return pa.Codec("snappy").decompress(packed[:-4], size, asbytes=True)  # the last 4 bytes: a checksum


def _unpack_zstd(packed: bytes) -> bytes:
    return pa.CompressedInputStream(pa.BufferReader(packed), "zstd").read(RECORD_BYTES + 1)


# fastavro's own readers unpack a whole block of any size, and need two more libraries.
_read.BLOCK_READERS.update(
    deflate=_unpacked_by(lambda packed: zlib.decompressobj(-15).decompress(packed, RECORD_BYTES + 1)),
    bzip2=_unpacked_by(lambda packed: bz2.BZ2Decompressor().decompress(packed, RECORD_BYTES + 1)),
    xz=_unpacked_by(lambda packed: lzma.LZMADecompressor().decompress(packed, RECORD_BYTES + 1)),
    snappy=_unpacked_by(_unpack_snappy),
    zstandard=_unpacked_by(_unpack_zstd),
)


def _judge_types(type_: Any, within: tuple[str, ...]) -> bool:
    """Whether a value takes no byte. Raises UnreadableFile for types with which a few bytes can hold endless
    values: a record inside itself, and a list of empty items."""
    if isinstance(type_, list):
        for choice in type_:
            _judge_types(choice, within)
        return False
    kind = type_["type"] if isinstance(type_, dict) else type_
    if kind in within:
        raise UnreadableFile(f"Its type {kind} contains itself: such types are not read.")
    if isinstance(kind, dict | list):
        return _judge_types(kind, within)
    if kind in ("record", "error"):
        inside = (*within, type_["name"])
        return all([_judge_types(field["type"], inside) for field in type_["fields"]])
    if kind == "array" and _judge_types(type_["items"], within):
        raise UnreadableFile("It has a list whose items hold nothing: such types are not read.")
    if kind == "map":
        _judge_types(type_["values"], within)
    return kind == "null" or (kind == "fixed" and type_["size"] == 0)


def _reader(type_: Any, is_whole: bool) -> Callable[[Any], str | None]:
    """A function that turns a column's values into text; `is_whole`: a whole number becomes integer text."""
    choices = type_ if isinstance(type_, list) else [type_]
    names = {choice.get("type") if isinstance(choice, dict) else choice for choice in choices}

    def read(found: Any) -> str | None:
        if found is None or isinstance(found, str):
            return found
        if isinstance(found, float):
            if not math.isfinite(found):
                return None
            if is_whole and found == math.trunc(found):
                return str(int(found))
            return str(np.float32(found)) if "double" not in names else repr(found)
        if isinstance(found, Decimal):
            if is_whole and found == found.to_integral_value():
                return str(int(found))
            return f"{found:f}"
        if isinstance(found, dict | list):
            return _json(found)
        return _text(found)

    return read


def _text(found: Any) -> str:
    if isinstance(found, bool):
        return "true" if found else "false"
    if isinstance(found, bytes):
        return found.decode()
    if isinstance(found, datetime):
        moment = found.astimezone(UTC).replace(tzinfo=None) if found.tzinfo else found
        return moment.isoformat(timespec="microseconds")
    if isinstance(found, date):
        return found.isoformat()
    return str(found)


def _record(row: dict[str, Any]) -> str:
    """The whole row. A whole number that an id may be is an integer: 42345.0 is 42345."""
    return _json(
        {
            name: int(found) if isinstance(found, float | Decimal) and found == found // 1 else found
            for name, found in row.items()
        }
    )


def _json(found: Any) -> str:
    """Compact JSON: keys in their order, NaN and infinity as null, decimals as numbers."""
    if isinstance(found, dict):
        return "{" + ",".join(f"{_json(str(key))}:{_json(item)}" for key, item in found.items()) + "}"
    if isinstance(found, list):
        return "[" + ",".join(map(_json, found)) + "]"
    if found is None or (isinstance(found, float) and not math.isfinite(found)):
        return "null"
    if isinstance(found, bool | int | float):
        return json.dumps(found)
    if isinstance(found, Decimal):
        return f"{found:f}"
    return json.dumps(_text(found), ensure_ascii=False)
