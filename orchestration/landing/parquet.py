"""Parquet, read by DuckDB; values of every type as text.

Belongs here: how each type reads as text. Does not: what the text means (the staging models).
"""

# pyright: reportAttributeAccessIssue=false
# (pyarrow.compute makes its functions when it is imported)

import glob
from contextlib import suppress
from typing import cast

import duckdb
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from duckdb.sqltypes import DuckDBPyType

from orchestration.contract import Column
from orchestration.landing.rows import WHOLE_NUMBER_TYPES, Rows, UnreadableFile, value, whole_number
from orchestration.warehouse import first_line, literal


class ParquetRows(Rows):
    def read_head(self) -> None:
        self.literal = "'" + glob.escape(str(self.path)).replace("'", "''") + "'"
        # Folder names are not columns; old writers do not mark text as text.
        self.source = f"read_parquet({self.literal}, hive_partitioning = false, binary_as_string = true)"
        # DuckDB does not allow two columns whose names differ only in case: it renames the second.
        self.columns = [(name, type_) for name, type_, *_ in self._execute(f"describe from {self.source}")]
        self.header = self._names()
        self.places = self.places_in(self.header)
        self._judge_size()

    def select(self) -> str:
        columns = ", ".join(value(column, self._text_of(column)) for column in self.table.columns)
        return f"select file_row_number + 1, {columns}, null from {self.source}"

    def records(self) -> str:
        pairs = ", ".join(
            f"{literal(name)}, {self._json_of(Column(name, 'id', False, False, ()))}" for name in self.places
        )
        record = f"json_object({pairs})::varchar"
        return (
            f"select file_row_number + 1 as row_number, {record} as record, null::varchar as raw_record "
            f"from {self.source}"
        )

    def count(self) -> int:
        return self._execute(f"select num_rows from parquet_file_metadata({self.literal})")[0][0]

    def verify(self) -> None:
        self._execute(f"select bit_xor(hash(everything)) from ({self.query()}) as everything")

    def _names(self) -> list[str]:
        """The column names in the file: the children of the schema's root."""
        schema = self._execute(f"select name, num_children from parquet_schema({self.literal})")[1:]
        names, children = [], 0
        for name, count in schema:
            if children == 0:
                names.append(name)
                children = 1
            children += (count or 0) - 1
        return names

    def _text_of(self, column: Column) -> str:
        """SQL: the column as text. Times are ISO in UTC, cut after six decimals; nested values are compact
        JSON; a number that is not finite is null."""
        if column.name not in self.places:
            return "null"
        name, type_ = self.columns[self.places[column.name]]
        name = '"' + name.replace('"', '""') + '"'
        if type_ == "TIMESTAMP_NS":
            text = f"strftime({name}, '%Y-%m-%dT%H:%M:%S.%n')[:26]"
            return f"case when isfinite({name}::timestamp) then {text} end"
        if type_.startswith("TIMESTAMP"):
            time = f"{name}::timestamp"
            return f"case when isfinite({time}) then strftime({time}, '%Y-%m-%dT%H:%M:%S.%f') end"
        if type_ == "DATE":
            return f"case when isfinite({name}) then {name}::varchar end"
        if type_.startswith(("STRUCT", "MAP")) or type_.endswith("]"):
            return f"to_json({_finite(name, duckdb.sqltype(type_)) or name})::varchar"
        is_whole = column.type in WHOLE_NUMBER_TYPES
        if type_ in ("FLOAT", "DOUBLE"):
            text = whole_number(f"({name}::double)::varchar") if is_whole else f"{name}::varchar"
            return f"case when isfinite({name}) then {text} end"
        if type_.startswith("DECIMAL") and is_whole:
            return whole_number(f"{name}::varchar")
        return f"{name}::varchar"

    def _json_of(self, column: Column) -> str:
        """SQL: the column as JSON; what JSON has no type for is its text."""
        type_ = self.columns[self.places[column.name]][1]
        has_json_type = (
            type_.endswith(("INT", "INTEGER", "]"))
            or type_.startswith(("DECIMAL", "STRUCT", "MAP"))
            or type_ in ("BOOLEAN", "FLOAT", "DOUBLE")
        )
        return f"({self._text_of(column)})::json" if has_json_type else self._text_of(column)

    def _judge_size(self) -> None:
        """Raises UnreadableFile if the file is too large by its own metadata, or by the length of the texts
        in its dictionaries: a few bytes can say that a million rows have the same long text."""
        (unpacked,) = self._execute(
            f"select sum(total_uncompressed_size) from parquet_metadata({self.literal})"
        )[0]
        if (unpacked or 0) + self._repeated_bytes() > self.most_bytes:
            raise self.too_large()

    def _repeated_bytes(self) -> int:
        """The total length of the texts of all rows, in columns whose texts might be too long together. No
        text is expanded: this reads only the numbers that say which dictionary text each row has."""
        total = 0
        with suppress(pa.ArrowException, OSError):  # DuckDB may be able to read what Arrow cannot
            names = [name for name, type_ in self.columns if type_ == "VARCHAR" and name in self.header]
            file = pq.ParquetFile(self.path, read_dictionary=names)
            for group in range(file.num_row_groups):
                chunks = file.metadata.row_group(group)
                for chunk in map(chunks.column, range(chunks.num_columns)):
                    most = chunk.total_uncompressed_size * chunk.num_values
                    if chunk.path_in_schema in names and chunk.has_dictionary_page and most > self.most_bytes:
                        texts = file.read_row_group(group, columns=[chunk.path_in_schema]).column(0)
                        total += sum(map(_length, texts.chunks))
        return total

    def _execute(self, query: str) -> list[tuple]:
        try:
            return self.connection.execute(query).fetchall()
        except (duckdb.OutOfMemoryException, duckdb.FatalException):
            raise
        except duckdb.Error as error:
            problem = first_line(error).replace(f"'{self.path}'", "it").replace(str(self.path), "it")
            raise UnreadableFile(f"It is not a readable Parquet file ({problem}).") from error


def _length(texts: pa.DictionaryArray) -> int:
    lengths = pc.cast(pc.binary_length(texts.dictionary), pa.int64())
    return pc.sum(lengths.take(texts.indices)).as_py() or 0


def _finite(value: str, type_: DuckDBPyType, depth: int = 0) -> str | None:
    """SQL: the value with null for each NaN and infinity in it; None if the type cannot hold one."""
    if type_.id in ("float", "double"):
        return f"case when isfinite({value}) then {value} end"
    if type_.id not in ("struct", "list", "array", "map"):
        return None
    children, item = cast(dict[str, DuckDBPyType], dict(type_.children)), f"item_{depth}"
    if type_.id == "struct":
        fields = {
            name: f"struct_extract({value}, '{name.replace(chr(39), chr(39) * 2)}')" for name in children
        }
        finite = {name: _finite(fields[name], child, depth + 1) for name, child in children.items()}
        if not any(finite.values()):
            return None
        quoted = {name: '"' + name.replace('"', '""') + '"' for name in children}
        packed = ", ".join(f"{quoted[name]} := {finite[name] or fields[name]}" for name in children)
        return f"case when {value} is not null then struct_pack({packed}) end"
    if type_.id == "map":
        finite_value = _finite(f"{item}.value", children["value"], depth + 1)
        entry = f"lambda {item}: struct_pack(key := {item}.key, value := {finite_value})"
        return finite_value and f"map_from_entries(list_transform(map_entries({value}), {entry}))"
    finite_item = _finite(item, children["child"], depth + 1)
    return finite_item and f"list_transform({value}, lambda {item}: {finite_item})"
