"""CSV, read by Arrow: RFC 4180, a blank line being no record.

Belongs here: the header, the numbers of the records, the records of another length. Does not: types.
"""

import csv
import io
from codecs import getincrementaldecoder
from collections import deque
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

import duckdb
import numpy as np
import pyarrow as pa
from pyarrow import csv as arrow_csv

from orchestration.contract import RawTable
from orchestration.landing.rows import BLOCK_BYTES, TextRows, UnreadableFile


class CsvRows(TextRows):
    """Columns go by position inside, since to DuckDB a name in another case is the same name."""

    def __init__(
        self, connection: duckdb.DuckDBPyConnection, table: RawTable, path: Path, is_compressed: bool
    ):
        super().__init__(connection, table, path, is_compressed)
        self.header = self._read_header()
        self.judge_header(self.header)
        fields = [(f"column_{position}", pa.string()) for position, _ in enumerate(self.header)]
        self.schema = pa.schema([("row_number", pa.int64()), ("raw_record", pa.string()), *fields])

    def select(self) -> str:
        self.offer()
        columns = [
            f"column_{self.header.index(column.name)}" if column.name in self.header else "null"
            for column in self.table.columns
        ]
        return f"select row_number, {', '.join(columns)}, raw_record from landed"

    def unknown_columns(self) -> list[str]:
        return self.unknown(self.header)

    def batches(self, stream: BinaryIO) -> Iterator[pa.RecordBatch]:
        """Arrow numbers only the records that it rejects; the others take the numbers in between."""
        rejected: deque[tuple[int, str]] = deque()

        def reject(record: arrow_csv.InvalidRow) -> str:
            rejected.append((record.number - 1, record.text))  # the header is 1
            return "skip"

        last = 0
        try:
            for batch in arrow_csv.open_csv(
                _ArrowInput(stream),
                arrow_csv.ReadOptions(use_threads=False, block_size=2 * BLOCK_BYTES),
                arrow_csv.ParseOptions(newlines_in_values=True, invalid_row_handler=reject),
                arrow_csv.ConvertOptions(
                    default_column_type=pa.string(), null_values=[""], strings_can_be_null=True
                ),
            ):
                numbers = np.arange(last + 1, last + 1 + len(batch) + len(rejected))
                numbers = np.setdiff1d(numbers, [number for number, _ in rejected])[: len(batch)]
                last = int(numbers[-1]) if len(numbers) else last
                yield pa.record_batch(
                    [pa.array(numbers), pa.nulls(len(batch), pa.string()), *batch.columns], schema=self.schema
                )
                settled = []
                while rejected and rejected[0][0] <= last + 1:
                    settled.append(rejected.popleft())
                    last = max(last, settled[-1][0])
                yield self._rejected(settled)
        except pa.ArrowInvalid as error:
            problem = str(error)
            if "straddling" in problem:
                problem = f"a record is longer than {BLOCK_BYTES // 2**20} MB: is there a quote never closed?"
            raise UnreadableFile(f"It is no readable CSV ({problem}).") from error
        yield self._rejected(list(rejected))

    def _rejected(self, records: list[tuple[int, str]]) -> pa.RecordBatch:
        return pa.RecordBatch.from_pylist(
            [{"row_number": number, "raw_record": text} for number, text in records], schema=self.schema
        )

    def _read_header(self) -> list[str]:
        with self.open() as stream:
            records = csv.reader(io.TextIOWrapper(stream, "utf-8", newline=""))
            try:
                return next(record for record in records if record)
            except StopIteration:
                raise UnreadableFile("It has no header.") from None
            except csv.Error as error:
                raise UnreadableFile(f"Its header is no CSV ({error}).") from error


class _ArrowInput:
    """What Arrow reads: blocks of UTF-8 that are never cut between CR and LF, and a line end at the end.

    Left to itself it drops an LF that begins a block (even in quotes, after a CR), tells only stderr of a
    rejected record that is not UTF-8, and takes a header without a line end for nothing.
    """

    closed = False

    def __init__(self, stream: BinaryIO):
        self.stream, self.decoder = stream, getincrementaldecoder("utf-8")()

    def read(self, size: int) -> bytes:
        block = self.stream.read(size // 2)
        is_last = 0 < len(block) < size // 2
        while block.endswith(b"\r") and (following := self.stream.read(1)):
            block += following
        self.decoder.decode(block, final=not block)
        return block + b"\n" if is_last and not block.endswith((b"\n", b"\r")) else block
