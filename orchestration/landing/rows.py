"""One landed file as rows that DuckDB selects: what the formats have in common.

Belongs here: the interface of a loadable file, unpacking, limits, and which errors are faults of the file.
A vendor's file is read as records, whole rows as JSON, which an adapter then maps (vendors.py).
Does not: one format (parquet.py, avro.py, csv_records.py, json_records.py), writing (load.py) or judging a
value (the staging models).
"""

import bz2
import gzip
import zlib
from abc import ABC, abstractmethod
from codecs import BOM_UTF8, BOM_UTF16_BE, BOM_UTF16_LE
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO, Protocol, cast

import duckdb
import pyarrow as pa

from orchestration.contract import Column, RawTable

BLOCK_BYTES = 16 * 1024 * 1024  # text read at once
RECORD_BYTES = 64 * 1024 * 1024  # the longest record, as text
MOST_UNKNOWN = 100  # keys may be data, and the ledger should not list a million of them
LONGEST_NAME = 200
HOW_READ = "Its columns are"  # before a header

# The first bytes of a file by its real format, which may differ from its name.
MAGIC = {
    b"\x1f\x8b": ("gzip", "gz"),
    b"\x28\xb5\x2f\xfd": ("zstd", "zst"),
    **{b"BZh%d1AY&SY" % level: ("bzip2", "bz2") for level in range(1, 10)},
    **{b"BZh%d\x17rE8P\x90" % level: ("bzip2", "bz2") for level in range(1, 10)},  # with empty content
    b"PAR1": ("Parquet", "parquet"),
    b"Obj\x01": ("Avro", "avro"),
    b"PK\x03\x04": ("a zip archive, as Excel's .xlsx is", None),
}

# In columns of these types, a whole number becomes its integer text: 42345.0 becomes 42345.
WHOLE_NUMBER_TYPES = ("id", "integer", "boolean")
JSON_TYPES = ("json", "json_list", "filter", "definition")

VENDOR_FILE = RawTable("vendor's file", "Every column of the file, whatever its name.", ())  # see records()


class UnreadableFile(Exception):
    """The file itself is faulty, with any reader. The text is the reason, for the ledger."""


class Stream(Protocol):
    def read(self, size: int, /) -> bytes: ...


class Rows(ABC):
    """The rows of one file. The constructor reads only the header, and raises UnreadableFile if it is
    faulty."""

    csv_delimiter: str | None = None
    csv_fields: int | None = None
    fault: Exception | None = None  # the error that stopped the query, if DuckDB knows only that one did
    header: list[str]  # for a file that has one: the names as written,
    places: dict[str, int]  # and the position of each of the contract's columns among them

    def __init__(
        self,
        connection: duckdb.DuckDBPyConnection,
        table: RawTable,
        path: Path,
        compression: str | None,
        most_bytes: int,
    ):
        self.connection, self.table, self.path = connection, table, path
        self.compression, self.most_bytes = compression, most_bytes
        self.read_head()

    @abstractmethod
    def read_head(self) -> None:
        """Read what must be known before the rows. Raises UnreadableFile."""

    @abstractmethod
    def select(self) -> str:
        """The query, which may run once: row_number, the contract's columns as text, raw_record."""

    @abstractmethod
    def records(self) -> str:
        """The query for a vendor's file, which may run once: row_number, record (the row as the text of a
        JSON object) or else raw_record. A whole number of Parquet or Avro is an integer; a time is ISO text
        in UTC."""

    def query(self) -> str:
        return self.records() if self.table is VENDOR_FILE else self.select()

    @abstractmethod
    def count(self) -> int:
        """The number of rows that the query must return, counted in another way."""

    def unknown_columns(self) -> list[str]:
        """The columns that the file has and the contract does not; also a known name's second occurrence."""
        return unknown_columns(self.header, self.places)

    def names_of_records(self) -> list[str]:
        """The columns of a vendor's file."""
        return self.header

    @abstractmethod
    def verify(self) -> None:
        """Read everything and keep nothing. Raises UnreadableFile if the file made the query fail."""

    def places_in(self, header: list[str]) -> dict[str, int]:
        """The position of each of the contract's columns, ignoring case and outer blanks; the first of equal
        names. Of a vendor's file: each column as it is written. Raises UnreadableFile if a key column is
        missing."""
        if self.table is VENDOR_FILE:
            return {name: header.index(name) for name in header}
        return places_in(self.table, header, self.how_read())

    def how_read(self) -> str:
        """The beginning of the sentence that ends with the names of the columns."""
        return HOW_READ

    def too_large(self) -> UnreadableFile:
        return too_large(self.most_bytes)


class ArrowRows(Rows):
    """Files that reach DuckDB as Arrow batches, which it scans under the name `landed`."""

    schema: pa.Schema
    rows_streamed = 0

    @abstractmethod
    def stream(self) -> Iterator[pa.RecordBatch]:
        """The file as batches of `schema`, never all in memory. Raises UnreadableFile."""

    def offer(self) -> None:
        self.connection.register("landed", pa.RecordBatchReader.from_batches(self.schema, self._counted()))

    def count(self) -> int:
        return self.rows_streamed

    def verify(self) -> None:
        for _ in self._counted():
            pass

    def _counted(self) -> Iterator[pa.RecordBatch]:
        self.rows_streamed = 0
        try:
            for batch in self.stream():
                self.rows_streamed += len(batch)
                yield batch
        except Exception as fault:
            self.fault = fault
            raise


class TextRows(ArrowRows):
    """CSV and JSON.

    DuckDB's own CSV reader does not give the number of a record and cannot read plain lines: it drops blank
    lines, and accepts a record with one extra empty field. Arrow is exact, and faster.
    """

    def read_head(self) -> None:
        with self.path.open("rb") as packed:
            head = packed.read(1024)
        self._judge_packing(head)
        with self.open() as text:
            self._judge_encoding(text.read(1024))

    @abstractmethod
    def batches(self, stream: Stream) -> Iterator[pa.RecordBatch]:
        """The text as batches of `schema`."""

    def stream(self) -> Iterator[pa.RecordBatch]:
        with self.open() as text:
            yield from self.batches(text)

    @contextmanager
    def open(self) -> Iterator[Stream]:
        """The text, unpacked, without a byte order mark."""
        try:
            with self._unpacked() as unpacked:
                yield _Text(unpacked, self.most_bytes, self.too_large)
        except UnicodeDecodeError as error:
            raise UnreadableFile(not_utf_8(error)) from error
        except (OSError, zlib.error, EOFError) as error:
            if isinstance(error, OSError) and error.errno is not None:
                raise  # an error of the disk, not of the packing
            packing = dict(gz="gzip", zst="zstd", bz2="bzip2").get(self.compression or "")
            raise UnreadableFile(f"It is not a complete {packing} file ({error}): land it again.") from error

    def _unpacked(self) -> BinaryIO:
        match self.compression:
            case "gz":
                return cast(BinaryIO, gzip.open(self.path))
            case "bz2":
                return cast(BinaryIO, bz2.open(self.path))
            case "zst":
                return cast(BinaryIO, pa.CompressedInputStream(pa.OSFile(str(self.path)), "zstd"))
        return self.path.open("rb")

    def _judge_packing(self, head: bytes) -> None:
        """Raises UnreadableFile if the name does not say how the file is packed. An empty file is always text
        without a line."""
        found, suffix = next((MAGIC[magic] for magic in MAGIC if head.startswith(magic)), (None, None))
        if not head or (suffix == self.compression and (suffix or not found)):
            return
        if found:
            remedy = f"give it a name that ends in .{suffix}" if suffix else "land the table as CSV"
            raise UnreadableFile(f"It is {found}, but its name does not say so: {remedy}.")
        raise UnreadableFile(
            f"It is not packed, though its name ends in .{self.compression}: it begins with "
            f'"{shown(head.decode("utf-8", "replace"), 40)}". Pack it, or take the .{self.compression} away.'
        )

    def _judge_encoding(self, head: bytes) -> None:
        zeros = max(head[0::2].count(0), head[1::2].count(0))
        if head.startswith((BOM_UTF16_LE, BOM_UTF16_BE)) or zeros > len(head) // 4 > 0:
            raise UnreadableFile("It is UTF-16, not UTF-8: export it as UTF-8.")
        if self.compression:
            self._judge_packed_text(head)

    def _judge_packed_text(self, head: bytes) -> None:
        if found := next((MAGIC[magic][0] for magic in MAGIC if head.startswith(magic)), None):
            raise UnreadableFile(f"Its packed content is {found}, not text: pack the text itself.")


class _Text:
    """Counts the bytes it returns and omits a byte order mark."""

    def __init__(self, unpacked: BinaryIO, most_bytes: int, too_large):
        self.unpacked, self.left, self.too_large = unpacked, most_bytes, too_large
        start = unpacked.read(len(BOM_UTF8))
        self.start = b"" if start == BOM_UTF8 else start

    def read(self, size: int, /) -> bytes:
        block, self.start = self.start[:size], self.start[size:]
        if len(block) < size:
            block += self.unpacked.read(size - len(block))
        self.left -= len(block)
        if self.left < 0:
            raise self.too_large()
        return block


def standard(name: str) -> str:
    return name.strip().lower()


def shown(text: str, most: int = 200) -> str:
    """Text of a file, to quote in a reason: shortened, on one line."""
    cut = text[:most]
    return "".join(c if c.isprintable() else f"\\x{ord(c):02x}" for c in cut) + (
        "…" if len(text) > most else ""
    )


def places_in(table: RawTable, header: list[str], how_read: str = HOW_READ) -> dict[str, int]:
    """The position of each of the table's columns, ignoring case and outer blanks; the first of equal names.
    Raises UnreadableFile if a key column is missing."""
    names = [standard(name) for name in header]
    if missing := [name for name in table.key if name not in names]:
        raise UnreadableFile(
            f"It has no column {' and no column '.join(missing)}. {how_read} "
            f'"{shown(", ".join(header))}". It needs at least {", ".join(table.key)}.'
        )
    return {column.name: names.index(column.name) for column in table.columns if column.name in names}


def unknown_columns(header: list[str], places: dict[str, int]) -> list[str]:
    """The names that are at no place of a column of the contract."""
    loaded = set(places.values())
    names = [name[:LONGEST_NAME] for place, name in enumerate(header) if place not in loaded]
    return names[:MOST_UNKNOWN]


def too_large(most_bytes: int) -> UnreadableFile:
    return UnreadableFile(
        f"It is larger than {most_bytes / 1e9:g} GB, unpacked: land it in smaller files, "
        "or raise GOALPOST_MAX_FILE_GB and land it under another name."
    )


def record_too_long() -> UnreadableFile:
    return UnreadableFile(
        f"It holds a record longer than {RECORD_BYTES // 2**20} MB: is a quote or bracket never closed, "
        "or a line end missing?"
    )


def whole_number(text: str) -> str:
    """SQL: the integer text of a whole number's text (42345.0, 1e+21); any other text stays."""
    number = f"{text}::double"
    return (
        f"case when regexp_full_match({text}, '-?0+[.]0+') then '0' "
        f"when regexp_full_match({text}, '-?[0-9]+[.]0+') then regexp_replace({text}, '[.]0+$', '') "
        f"when regexp_full_match({text}, '-?[0-9]+([.][0-9]+)?[eE][+]?[0-9]+') "
        f"and isfinite({number}) and {number} = trunc({number}) then format('{{:.0f}}', {number}) "
        f"else {text} end"
    )


def without_half_surrogates(text: str) -> str:
    """SQL: the JSON text with each half of a surrogate pair replaced by U+FFFD.

    RE2 has no lookaround, so escaped backslashes and whole pairs are first replaced by control characters,
    which JSON text cannot contain.
    """
    hexes = "[0-9a-fA-F]{2}"
    high, low = f"([dD][89abAB]{hexes})", f"([dD][c-fC-F]{hexes})"
    hidden = f"replace({text}, '\\\\', chr(1))"
    hidden = f"regexp_replace({hidden}, '\\\\u{high}\\\\u{low}', '\x02\\1\x03\\2', 'g')"
    mended = f"regexp_replace({hidden}, '\\\\u[dD][89a-fA-F]{hexes}', '\\\\ufffd', 'g')"
    seen = f"regexp_replace({mended}, '\x02(....)\x03', '\\\\u\\1\\\\u', 'g')"
    seen = f"replace({seen}, chr(1), '\\\\')"
    may_need = f"contains({text}, '\\ud') or contains({text}, '\\uD')"
    return f"case when {may_need} then {seen} else {text} end"


def value(column: Column, text: str) -> str:
    """SQL: the text of a column as it is stored: empty text is null; JSON has no half of a surrogate pair."""
    text = f"nullif({text}, '')"
    return without_half_surrogates(text) if column.type in JSON_TYPES else text


def not_utf_8(error: UnicodeDecodeError) -> str:
    if error.reason == "unexpected end of data":
        return "It is not UTF-8: it ends inside a character. Was it cut off?"
    near = bytes(error.object[max(0, error.start - 20) : error.start + 20]).decode("cp1252", "replace")
    return (
        f'It is not UTF-8: the byte 0x{error.object[error.start]:02X} in "{shown(near)}", so it seems to be '
        "Latin-1 (Windows-1252). Export it as UTF-8."
    )
