"""One landed file as rows that DuckDB selects: what the three formats have in common.

Belongs here: what a file has to offer to be loaded, and which faults are its own. Does not: one format
(parquet.py, csv_records.py, json_lines.py), writing (load.py) or judging a value (the staging models).
"""

import gzip
import zlib
from abc import ABC, abstractmethod
from codecs import BOM_UTF8
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO, cast

import duckdb
import pyarrow as pa

from orchestration.contract import RawTable

BLOCK_BYTES = 16 * 1024 * 1024  # of text, read at once


class UnreadableFile(Exception):
    """The file itself is at fault, whoever reads it. The text is the reason, for the ledger."""


class Rows(ABC):
    """Making one reads the header alone, and raises UnreadableFile if that is at fault."""

    def __init__(
        self, connection: duckdb.DuckDBPyConnection, table: RawTable, path: Path, is_compressed: bool
    ):
        self.connection, self.table, self.path, self.is_compressed = connection, table, path, is_compressed

    @abstractmethod
    def select(self) -> str:
        """The query, to be run once: row_number, the contract's columns as text, raw_record."""

    @abstractmethod
    def count(self) -> int:
        """How many rows the query had to give, known by other means."""

    @abstractmethod
    def unknown_columns(self) -> list[str]:
        """What the file has and the contract does not."""

    @abstractmethod
    def verify(self) -> None:
        """Read all and keep nothing: raises UnreadableFile if it was the file that made the query fail."""

    def judge_header(self, names: list[str]) -> None:
        if missing := [name for name in self.table.key if name not in names]:
            raise UnreadableFile(f"It has no column {' and no column '.join(missing)}.")
        if repeated := sorted({name for name in names if names.count(name) > 1}):
            raise UnreadableFile(f"It has more than one column {' and more than one '.join(repeated)}.")

    def unknown(self, names: Iterable[str]) -> list[str]:
        contract = {column.name for column in self.table.columns}
        return [name for name in names if name not in contract]


class TextRows(Rows):
    """CSV and JSONL reach DuckDB as Arrow batches, which it scans under the name `landed`.

    DuckDB's own CSV reader cannot tell the number of a record, nor read plain lines: it drops blank ones, and
    takes a record with one empty field too many for a good one. Arrow is exact, and faster.
    """

    schema: pa.Schema
    rows_streamed = 0

    @abstractmethod
    def batches(self, stream: BinaryIO) -> Iterator[pa.RecordBatch]:
        """The text as batches of `schema`, streamed."""

    def offer(self) -> None:
        self.connection.register("landed", pa.RecordBatchReader.from_batches(self.schema, self._stream()))

    def count(self) -> int:
        return self.rows_streamed

    def verify(self) -> None:
        for _ in self._stream():
            pass

    @contextmanager
    def open(self) -> Iterator[BinaryIO]:
        try:
            with gzip.open(self.path) if self.is_compressed else self.path.open("rb") as stream:
                if stream.peek(len(BOM_UTF8)).startswith(BOM_UTF8):
                    stream.read(len(BOM_UTF8))
                yield cast(BinaryIO, stream)
        except UnicodeDecodeError as error:
            raise UnreadableFile("It is not UTF-8.") from error
        except (gzip.BadGzipFile, zlib.error, EOFError) as error:
            raise UnreadableFile(f"It is no whole gzip file ({error}).") from error

    def _stream(self) -> Iterator[pa.RecordBatch]:
        self.rows_streamed = 0
        with self.open() as stream:
            for batch in self.batches(stream):
                self.rows_streamed += len(batch)
                yield batch
