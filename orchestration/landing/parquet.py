"""Parquet, read by DuckDB; values of every type as text.

Belongs here: how each type reads as text. Does not: what the text means (the staging models).
"""

import glob
from pathlib import Path

import duckdb

from orchestration.contract import RawTable
from orchestration.landing.rows import Rows, UnreadableFile
from orchestration.warehouse import first_line


class ParquetRows(Rows):
    def __init__(
        self, connection: duckdb.DuckDBPyConnection, table: RawTable, path: Path, is_compressed: bool
    ):
        super().__init__(connection, table, path, is_compressed)
        self.literal = "'" + glob.escape(str(path)).replace("'", "''") + "'"
        # The folders above it are no columns; old writers do not mark text as text.
        self.source = f"read_parquet({self.literal}, hive_partitioning = false, binary_as_string = true)"
        self.types = {name: type_ for name, type_, *_ in self._execute(f"describe from {self.source}")}
        self.judge_header(list(self.types))

    def select(self) -> str:
        columns = ", ".join(self._text_of(column.name) for column in self.table.columns)
        return f"select file_row_number + 1, {columns}, null from {self.source}"

    def count(self) -> int:
        return self._execute(f"select num_rows from parquet_file_metadata({self.literal})")[0][0]

    def unknown_columns(self) -> list[str]:
        return self.unknown(self.types)

    def verify(self) -> None:
        self._execute(f"select bit_xor(hash(everything)) from ({self.select()}) as everything")

    def _text_of(self, column: str) -> str:
        """ISO times, in UTC, their decimals cut after six; nested values as compact JSON; empty text null."""
        type_ = self.types.get(column)
        if type_ is None:
            return "null"
        if type_ == "TIMESTAMP_NS":
            return f"strftime(\"{column}\", '%Y-%m-%dT%H:%M:%S.%n')[:26]"
        if type_.startswith("TIMESTAMP"):
            return f"strftime(\"{column}\"::timestamp, '%Y-%m-%dT%H:%M:%S.%f')"
        if type_.startswith(("STRUCT", "MAP")) or type_.endswith("]"):
            return f'to_json("{column}")::varchar'
        return f"nullif(\"{column}\"::varchar, '')"

    def _execute(self, query: str) -> list[tuple]:
        try:
            return self.connection.execute(query).fetchall()
        except (duckdb.OutOfMemoryException, duckdb.FatalException):
            raise
        except duckdb.Error as error:
            problem = first_line(error).replace(str(self.path), "it")
            raise UnreadableFile(f"It is no readable Parquet file ({problem}).") from error
