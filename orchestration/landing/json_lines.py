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
NOT_RFC_8259 = r"[:,\[]\s*-?([nN][aA][nN]|[iI][nN][fF])|,\s*[}\]]"
STRING = r'"(?:[^"\\]|\\.)*"'
MOST_UNKNOWN_KEYS = 100  # a key may be data; the ledger is no place for a million of them


class JsonRows(TextRows):
    schema = pa.schema([("row_number", pa.int64()), ("line", pa.large_string())])

    def select(self) -> str:
        self.offer()
        pointers = ", ".join(f"'/{column.name}'" for column in self.table.columns)
        columns = ", ".join(f"nullif(fields[{place}], '')" for place, _ in enumerate(self.table.columns, 1))
        # A case, because it tries the dear test (on what lies outside the strings) only where the cheap one,
        # on the whole line, finds something.
        return f"""
            with lines as (
                select
                    row_number,
                    line,
                    case
                        when not json_valid(line) then false
                        when not starts_with(ltrim(line, chr(9) || chr(13) || ' '), '{{') then false
                        when not regexp_matches(line, '{NOT_RFC_8259}') then true
                        else not regexp_matches(regexp_replace(line, '{STRING}', '0', 'g'), '{NOT_RFC_8259}')
                    end as is_object
                from landed
            ),
            objects as (
                select *, case when is_object then json_extract_string(line, [{pointers}]) end as fields
                from lines
            )
            select row_number, {columns}, case when not is_object then rtrim(line, chr(13)) end
            from objects
        """

    def unknown_columns(self) -> list[str]:
        self.offer()
        keys = self.connection.execute(
            "select distinct unnest(case when json_valid(line) then json_keys(line) end) from landed"
        ).fetchall()
        return sorted(self.unknown(key for (key,) in keys))[:MOST_UNKNOWN_KEYS]

    def batches(self, stream: BinaryIO) -> Iterator[pa.RecordBatch]:
        last = 0
        while block := stream.read(BLOCK_BYTES) + stream.readline():
            text = pa.array([block.removesuffix(b"\n")], pa.large_binary())
            try:
                lines = pc.split_pattern(text, b"\n").flatten().cast(pa.large_string())
            except pa.ArrowInvalid as error:
                raise UnreadableFile("It is not UTF-8.") from error
            numbers = pa.array(np.arange(last + 1, last + 1 + len(lines)))
            last += len(lines)
            is_blank = pc.equal(pc.ascii_trim(lines, " \t\r"), "")
            yield pa.record_batch([numbers, lines], schema=self.schema).filter(pc.invert(is_blank))
