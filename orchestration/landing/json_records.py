"""JSON: one object per line is one row; a blank line is no row, but has a line number. Or one array, of which
each element is a row. Or, in a vendor's file, objects one after another on a line, of which each is a row.

Belongs here: what is a line, an element and a JSON object (RFC 8259). Does not: the JSON inside a value.
"""
# pyright: reportAttributeAccessIssue=false
# (pyarrow.compute makes its functions when it is imported)

import re
from collections.abc import Iterator
from itertools import pairwise

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from orchestration.contract import Column
from orchestration.landing.rows import (
    BLOCK_BYTES,
    LONGEST_NAME,
    MOST_UNKNOWN,
    RECORD_BYTES,
    VENDOR_FILE,
    WHOLE_NUMBER_TYPES,
    Stream,
    TextRows,
    UnreadableFile,
    record_too_long,
    shown,
    value,
    whole_number,
    without_half_surrogates,
)

# What DuckDB's parser accepts and RFC 8259 does not: NaN and infinity in any case, a comma before a bracket.
# Three expressions, because an expression that begins with a literal is several times faster.
NO_NUMBER = r"\s*-?(?i:nan|inf)"
NOT_RFC_8259 = (rf",({NO_NUMBER}|\s*[}}\]])", rf":{NO_NUMBER}", rf"\[{NO_NUMBER}")
STRING = r'"(?:[^"\\]|\\.)*"'
BLANKS = b" \t\r\n"
JOINED = re.compile(rb"\}[ \t]*\{")


class JsonRows(TextRows):
    schema = pa.schema([("row_number", pa.int64()), ("line", pa.large_string())])

    def select(self) -> str:
        self.offer()
        pointers = ", ".join(f"'/{column.name}'" for column in self.table.columns)
        columns = ", ".join(_text_of(column, place) for place, column in enumerate(self.table.columns, 1))
        return f"""
            with lines as (
                select row_number, {without_half_surrogates("line")} as line from landed
            ),
            objects as (
                select row_number, line, try(json_extract_string(line, [{pointers}])) as fields
                from lines
            ),
            judged as (
                select *, {_is_object("fields is not null")} as is_object from objects
            )
            select row_number, {columns}, case when not is_object then rtrim(line, chr(13) || chr(10)) end
            from (select * replace (case when is_object then fields end as fields) from judged)
        """

    def records(self) -> str:
        self.offer()
        return f"""
            with lines as (
                select row_number, {without_half_surrogates("line")} as line from landed
            ),
            judged as (
                select row_number, line, {_is_object("json_valid(line)")} as is_object from lines
            )
            select
                row_number,
                case when is_object then line end as record,
                case when not is_object then rtrim(line, chr(13) || chr(10)) end as raw_record
            from judged
        """

    def unknown_columns(self) -> list[str]:
        self.offer()
        known = ", ".join(f"'{column.name}'" for column in self.table.columns)
        keys = self.connection.execute(f"""
            select distinct left(key, {LONGEST_NAME}) as key
            from (select unnest(try(json_keys({without_half_surrogates("line")}))) as key from landed)
            where key not in ({known})
            order by key limit {MOST_UNKNOWN}
        """).fetchall()
        return [key for (key,) in keys]

    def names_of_records(self) -> list[str]:
        keys = self.connection.execute(
            "select distinct unnest(json_keys(record)) as key from vendor_records order by key"
        ).fetchall()
        return [key for (key,) in keys]

    def batches(self, stream: Stream) -> Iterator[pa.RecordBatch]:
        blank_lines, block = 0, b""
        while not block.lstrip(BLANKS) and (block := stream.read(BLOCK_BYTES)):
            if not block.lstrip(BLANKS):
                blank_lines += block.count(b"\n")
        begin = block.lstrip(BLANKS)
        if is_array(begin):
            yield from self._elements(begin[1:], stream)
        elif self.table is VENDOR_FILE:
            one_a_line = _OneALine(stream, block)
            yield from self._lines(blank_lines, one_a_line.read(BLOCK_BYTES), one_a_line)
        else:
            yield from self._lines(blank_lines, block, stream)

    def _lines(self, last: int, block: bytes, stream: Stream) -> Iterator[pa.RecordBatch]:
        begun = b""  # a line that does not end in its block
        while block:
            ends = block.rfind(b"\n") + 1
            whole, begun = (begun + block[:ends], block[ends:]) if ends else (b"", begun + block)
            if len(begun) > RECORD_BYTES:
                raise record_too_long()
            block = stream.read(BLOCK_BYTES)
            if not block:
                whole, begun = whole + begun, b""
            if whole.strip(BLANKS):
                is_end = np.frombuffer(whole, np.uint8) == ord("\n")
                begins = np.flatnonzero(~is_end & np.append(True, is_end[:-1]))  # of lines that are not empty
                ends_behind = np.add.reduceat(is_end, begins, dtype=np.int64)
                numbers = (
                    last + 1 + np.count_nonzero(is_end[: begins[0]]) + np.cumsum(ends_behind) - ends_behind
                )
                lines = _texts(whole, np.append(begins, len(whole)))
                batch = pa.record_batch([pa.array(numbers), lines], schema=self.schema)
                if not pc.all(pc.starts_with(lines, "{")).as_py():  # unusual: some lines may be blank
                    batch = batch.filter(pc.not_equal(pc.ascii_trim(lines, " \t\r\n"), ""))
                yield batch
            last += whole.count(b"\n")

    def _elements(self, block: bytes, stream: Stream) -> Iterator[pa.RecordBatch]:
        last, text, begun, closed_at = 0, b"", b"", None  # begun: an element that does not end in its block
        while closed_at is None:
            text = begun + block
            ends, closed_at = _element_ends(text)
            begun = text[ends[-1] :] if len(ends) else text
            if len(begun) > RECORD_BYTES:
                raise record_too_long()
            if last == 0 and closed_at is not None and len(ends) == 1 and not text[:closed_at].strip(BLANKS):
                ends = ends[:0]  # []
            if len(ends):
                characters = np.frombuffer(text, np.uint8)[: ends[-1]].copy()
                characters[ends - 1] = ord("\n")  # instead of the comma or bracket that follows an element
                lines = pc.ascii_ltrim(_texts(characters.tobytes(), np.append(0, ends)), " \t\r\n")
                numbers = pa.array(np.arange(last + 1, last + 1 + len(lines)))
                last += len(lines)
                yield pa.record_batch([numbers, lines], schema=self.schema)
            block = stream.read(BLOCK_BYTES)
            if closed_at is None and not block:
                raise UnreadableFile("Its array is never closed: was it cut off, or is a quote never closed?")
        rest = text[closed_at + 1 :]
        while rest or block:
            if rest.strip(BLANKS):
                found = shown(rest.strip(BLANKS).decode(errors="replace"), 40)
                raise UnreadableFile(
                    f'After its array comes "{found}": a file is one array, or one object a line.'
                )
            rest, block = block, stream.read(BLOCK_BYTES)


def is_array(begin: bytes) -> bool:
    """Is the file one array, by what it begins with? A line may be any array, which is a bad row; a file that
    is an array has objects in it, or is empty."""
    return begin.startswith(b"[") and begin[1:].lstrip(BLANKS)[:1] in (b"{", b"]", b"")


def _text_of(column: Column, place: int) -> str:
    """SQL: the text of a column. It reads the line again to see whether a value is a number or a text, but
    only if that makes a difference."""
    text = f"fields[{place}]"
    if column.type in WHOLE_NUMBER_TYPES:
        may_be_whole = f"(ends_with({text}, '.0') or regexp_full_match({text}, '[0-9.-]+[eE][+]?[0-9]+'))"
        text = (
            f"case when {may_be_whole} and json_type(line, '/{column.name}') = 'DOUBLE' "
            f"then {whole_number(text)} else {text} end"
        )
    return value(column, text)


def _is_lax(text: str) -> str:
    return "(" + " or ".join(f"regexp_matches({text}, '{part}')" for part in NOT_RFC_8259) + ")"


def _is_object(is_json: str) -> str:
    """SQL: is the line a JSON object of RFC 8259? The expensive test, on the text outside strings, runs only
    if the cheap test, on the whole line, finds something."""
    blanks = "' ' || chr(9) || chr(10) || chr(13)"
    outside_strings = f"regexp_replace(line, '{STRING}', '0', 'g')"
    return f"""case
        when not coalesce({is_json}, false) then false
        when not starts_with(ltrim(line, {blanks}), '{{') then false
        when {_is_lax("line")} then not {_is_lax(outside_strings)}
        else true
    end"""


class _OneALine:
    """A vendor's text, with a line end between objects that stand one after another on a line. What is read
    is whole lines."""

    def __init__(self, stream: Stream, begun: bytes):
        self.stream, self.begun = stream, begun

    def read(self, size: int, /) -> bytes:
        while True:
            block = self.stream.read(size)
            text = self.begun + block
            ends = text.rfind(b"\n") + 1 if block else len(text)
            if not ends and len(object_ends := _object_ends(text)):
                last = int(object_ends[-1])
                text, ends = text[:last] + b"\n" + text[last:], last + 1
            whole, self.begun = text[:ends], text[ends:]
            if len(self.begun) > RECORD_BYTES:
                raise record_too_long()
            if whole or not block:
                return b"\n".join(map(_one_a_line, whole.split(b"\n"))) if JOINED.search(whole) else whole


def _one_a_line(line: bytes) -> bytes:
    if not JOINED.search(line):
        return line
    ends = [0, *_object_ends(line), len(line)]  # inside a string, }{ means nothing
    return b"\n".join(filter(bytes.strip, (line[end:following] for end, following in pairwise(ends))))


def _element_ends(text: bytes) -> tuple[np.ndarray, int | None]:
    """Where each element of an array ends, including the comma or bracket after it, and where the array is
    closed; `text` begins inside the array, outside its elements."""
    characters, is_outside, depth = _nesting(text)
    is_end = (characters == ord(",")) & is_outside & (depth == 0)
    closing = np.flatnonzero(depth == -1)[:1]
    if len(closing):
        is_end[closing[0] :] = False
        is_end[closing[0]] = True
    return np.flatnonzero(is_end) + 1, int(closing[0]) if len(closing) else None


def _object_ends(text: bytes) -> np.ndarray:
    """Where each object that begins outside every other one ends; `text` begins outside."""
    characters, is_outside, depth = _nesting(text)
    return np.flatnonzero((characters == ord("}")) & is_outside & (depth == 0)) + 1


def _nesting(text: bytes) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """The bytes; whether each is outside strings; how many brackets are open behind it."""
    characters = np.frombuffer(text, np.uint8)
    quotes = characters == ord('"')
    if b"\\" in text:
        backslashes = np.flatnonzero(characters == ord("\\"))
        first_of_run = np.append(True, np.diff(backslashes) != 1)
        run_begins = backslashes[first_of_run]
        run_lengths = np.diff(np.append(np.flatnonzero(first_of_run), len(backslashes)))
        escaped = (run_begins + run_lengths)[run_lengths % 2 == 1]
        quotes[escaped[escaped < len(text)]] = False
    is_outside = np.cumsum(quotes, dtype=np.uint8) % 2 == 0
    return characters, is_outside, np.cumsum(BRACKETS[characters] * is_outside, dtype=np.int32)


BRACKETS = np.zeros(256, np.int8)
BRACKETS[[ord("{"), ord("[")]] = 1
BRACKETS[[ord("}"), ord("]")]] = -1


def _texts(text: bytes, offsets: np.ndarray) -> pa.LargeStringArray:
    """The parts of the text between these positions, without their line ends. Raises UnicodeDecodeError, and
    UnreadableFile if a part is too long."""
    buffers = [None, pa.py_buffer(offsets), pa.py_buffer(text)]
    try:
        parts = pa.Array.from_buffers(pa.large_binary(), len(offsets) - 1, buffers).cast(pa.large_string())
    except pa.ArrowInvalid:
        text.decode()
        raise
    parts = pc.ascii_rtrim(parts, "\n")
    if len(text) > RECORD_BYTES and pc.max(pc.binary_length(parts)).as_py() > RECORD_BYTES:
        raise record_too_long()
    return parts
