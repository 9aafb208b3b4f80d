"""CSV, read by Arrow: RFC 4180, in which a blank line is not a record.

Belongs here: the delimiter, the header, the numbers of the records, records with a wrong number of fields.
Does not: types.
"""

# pyright: reportAttributeAccessIssue=false
# (pyarrow.compute makes its functions when it is imported)

import csv
import io
import re
from codecs import getincrementaldecoder
from collections import deque
from collections.abc import Iterator

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from pyarrow import csv as arrow_csv

from orchestration.landing.rows import (
    BLOCK_BYTES,
    RECORD_BYTES,
    Stream,
    TextRows,
    UnreadableFile,
    record_too_long,
    shown,
    standard,
    value,
)
from orchestration.warehouse import literal

DELIMITERS = {",": ",", ";": ";", "\t": "tab", "|": "|"}
HEADER_BYTES = 2**20  # the longest header, so that searching for it cannot take forever
EXCELS_FIRST_LINE = re.compile(r"sep=(.)(\r\n|\r|\n)", re.IGNORECASE)


class CsvRows(TextRows):
    """Arrow sees a header of column numbers instead of names, so that names may repeat."""

    def read_head(self) -> None:
        super().read_head()
        self._read_header()
        self.csv_fields = len(self.header)
        self.places = self.places_in(self.header)
        fields = [(str(place), pa.string()) for place in self.places.values()]
        self.schema = pa.schema([("row_number", pa.int64()), ("raw_record", pa.string()), *fields])

    def select(self) -> str:
        self.offer()
        columns = [
            value(column, f'"{self.places[column.name]}"') if column.name in self.places else "null"
            for column in self.table.columns
        ]
        return f"select row_number, {', '.join(columns)}, raw_record from landed"

    def records(self) -> str:
        self.offer()
        pairs = ", ".join(f'{literal(name)}, "{place}"' for name, place in self.places.items())
        record = f"case when raw_record is null then json_object({pairs})::varchar end"
        return f"select row_number, {record} as record, raw_record from landed"

    def batches(self, stream: Stream) -> Iterator[pa.RecordBatch]:
        """Arrow numbers only the records that it rejects; the other records get the numbers in between."""
        rejected: deque[tuple[int, str]] = deque()

        def reject(record: arrow_csv.InvalidRow) -> str:
            rejected.append((record.number - 1, record.text))  # the header is 1
            return "skip"

        _skip(stream, self.header_ends)
        places = [str(place) for place in self.places.values()]
        header = (self.csv_delimiter or ",").join(map(str, range(len(self.header)))) + "\n"
        last = 0
        try:
            for batch in arrow_csv.open_csv(
                _ArrowInput(stream, header.encode()),
                arrow_csv.ReadOptions(use_threads=False, block_size=2 * RECORD_BYTES),
                arrow_csv.ParseOptions(
                    delimiter=self.csv_delimiter, newlines_in_values=True, invalid_row_handler=reject
                ),
                arrow_csv.ConvertOptions(
                    column_types=dict.fromkeys(places, pa.string()),
                    include_columns=places,
                    null_values=["", r"\N"],
                    strings_can_be_null=True,
                    quoted_strings_can_be_null=False,
                ),
            ):
                if batch.nbytes > RECORD_BYTES:
                    _judge_lengths(batch)
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
            if "straddling" in str(error):
                raise record_too_long() from error
            raise UnreadableFile(f"It is not readable CSV ({error}).") from error
        yield self._rejected(list(rejected))

    def _rejected(self, records: list[tuple[int, str]]) -> pa.RecordBatch:
        return pa.RecordBatch.from_pylist(
            [{"row_number": number, "raw_record": text} for number, text in records], schema=self.schema
        )

    def _read_header(self) -> None:
        """Set header, csv_delimiter and the position at which the header ends. The delimiter is the one with
        which the header has the key columns, or the most of them."""
        with self.open() as stream:
            begins, head = _first_line(stream)
            text = getincrementaldecoder("utf-8")().decode(head)
        if line := EXCELS_FIRST_LINE.match(text):
            rest = text[line.end() :].lstrip("\r\n")
            begins, text = begins + len(text[: len(text) - len(rest)].encode()), rest
        readings = [(*_first_record(text, delimiter), delimiter) for delimiter in DELIMITERS]
        key = set(self.table.key)
        self.header, characters, self.csv_delimiter = max(
            readings, key=lambda reading: (len(key.intersection(map(standard, reading[0]))), len(reading[0]))
        )
        if not self.header:
            raise UnreadableFile(
                f'Its first line, "{shown(text, 80)}", is no header: it cannot be read as CSV, or is longer '
                f"than {HEADER_BYTES // 2**20} MB."
            )
        self.header_ends = begins + len(text[:characters].encode())

    def how_read(self) -> str:
        tried = " ".join(DELIMITERS.values())
        delimiter = DELIMITERS[self.csv_delimiter or ","]
        return f"The delimiters tried were {tried}; split by {delimiter} its header is"


def _first_line(stream: Stream) -> tuple[int, bytes]:
    """The length of the blank lines at the beginning, and the text after them, as much as a header may need.
    Raises UnreadableFile if nothing follows."""
    begins = 0
    while block := stream.read(HEADER_BYTES):
        head = block.lstrip(b"\r\n")
        begins += len(block) - len(head)
        if head:
            return begins, head + stream.read(HEADER_BYTES)
    raise UnreadableFile("It has no header.")


def _first_record(text: str, delimiter: str) -> tuple[list[str], int]:
    """The fields of the first record and its length in characters; no fields if it cannot be read."""
    lines = io.StringIO(text, newline="")
    try:
        fields = next(csv.reader(iter(lines.readline, ""), delimiter=delimiter), [])
    except csv.Error:
        return [], 0
    return (fields, lines.tell()) if lines.tell() < HEADER_BYTES else ([], 0)


def _skip(stream: Stream, count: int) -> None:
    while count > 0:
        count -= len(stream.read(min(count, BLOCK_BYTES)))


def _judge_lengths(batch: pa.RecordBatch) -> None:
    lengths = np.zeros(len(batch), np.int64)
    for column in batch.columns:
        lengths += pc.fill_null(pc.binary_length(column), 0).to_numpy()
    if len(lengths) and lengths.max() > RECORD_BYTES:
        raise record_too_long()


class _ArrowInput:
    """What Arrow reads: a header, then blocks of UTF-8, never cut between CR and LF; a line end at the end.

    Without this, Arrow drops an LF that begins a block (even in quotes, after a CR), reports a rejected
    record that is not UTF-8 only on stderr, and ignores a header without a line end.
    """

    closed = False

    def __init__(self, stream: Stream, header: bytes):
        self.stream, self.header, self.decoder = stream, header, getincrementaldecoder("utf-8")()

    def read(self, size: int) -> bytes:
        size //= 2
        block = self.stream.read(size)
        is_last = 0 < len(block) < size
        while block.endswith(b"\r") and (following := self.stream.read(1)):
            block += following
        self.decoder.decode(block, final=not block)
        if is_last and not block.endswith((b"\n", b"\r")):
            block += b"\n"
        header, self.header = self.header, b""
        return header + block
