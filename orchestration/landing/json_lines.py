"""JSONL: one line, one row; a blank line is none, but it counts.

Belongs here: what is a line and what is a JSON object (RFC 8259). Does not: the JSON inside a value.
"""
# pyright: reportAttributeAccessIssue=false
# (pyarrow.compute makes its functions when it is imported)

from collections.abc import Iterator
from typing import BinaryIO

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from orchestration.landing.rows import BLOCK_BYTES, TextRows, UnreadableFile

# What DuckDB's parser takes and RFC 8259 does not: NaN and infinity in any case, a comma before a bracket.
# Three expressions, for one that begins with a literal is several times faster.
NO_NUMBER = r"\s*-?(?i:nan|inf)"
NOT_RFC_8259 = (rf",({NO_NUMBER}|\s*[}}\]])", rf":{NO_NUMBER}", rf"\[{NO_NUMBER}")
STRING = r'"(?:[^"\\]|\\.)*"'
MOST_UNKNOWN_KEYS = 100  # a key may be data; the ledger is no place for a million of them


class JsonRows(TextRows):
    schema = pa.schema([("row_number", pa.int64()), ("line", pa.large_string())])

    def select(self) -> str:
        self.offer()
        pointers = ", ".join(f"'/{column.name}'" for column in self.table.columns)
        columns = ", ".join(f"nullif(fields[{place}], '')" for place, _ in enumerate(self.table.columns, 1))
        # The dear test, on what lies outside the strings, only where the cheap one, on the whole line, finds
        # something.
        outside_strings = f"regexp_replace(line, '{STRING}', '0', 'g')"
        return f"""
            with objects as (
                select row_number, line, try(json_extract_string(line, [{pointers}])) as fields
                from landed
            ),
            judged as (
                select
                    *,
                    case
                        when fields is null then false
                        when not starts_with(ltrim(line, chr(9) || chr(13) || ' '), '{{') then false
                        when {_is_lax("line")} then not {_is_lax(outside_strings)}
                        else true
                    end as is_object
                from objects
            )
            select row_number, {columns}, case when not is_object then rtrim(line, chr(13)) end
            from (select * replace (case when is_object then fields end as fields) from judged)
        """

    def unknown_columns(self) -> list[str]:
        self.offer()
        keys = self.connection.execute("select distinct unnest(try(json_keys(line))) from landed").fetchall()
        return sorted(self.unknown(key for (key,) in keys))[:MOST_UNKNOWN_KEYS]

    def batches(self, stream: BinaryIO) -> Iterator[pa.RecordBatch]:
        last = 0
        while block := stream.read(BLOCK_BYTES) + stream.readline():
            offsets = pa.array([0, len(block) - block.endswith(b"\n")]).buffers()[1]
            text = pa.Array.from_buffers(pa.large_binary(), 1, [None, offsets, pa.py_buffer(block)])
            try:
                lines = pc.split_pattern(text, b"\n").flatten().cast(pa.large_string())
            except pa.ArrowInvalid as error:
                raise UnreadableFile("It is not UTF-8.") from error
            numbers = pa.array(np.arange(last + 1, last + 1 + len(lines)))
            last += len(lines)
            batch = pa.record_batch([numbers, lines], schema=self.schema)
            if not pc.all(pc.starts_with(lines, "{")).as_py():  # as usual; else some may be blank
                batch = batch.filter(pc.not_equal(pc.ascii_trim(lines, " \t\r"), ""))
            yield batch


def _is_lax(text: str) -> str:
    return "(" + " or ".join(f"regexp_matches({text}, '{part}')" for part in NOT_RFC_8259) + ")"
