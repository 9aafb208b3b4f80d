"""Loads one landed file into its raw table, together with its row in the ledger: both or neither. A vendor's
file may have rows of several tables, and a row in the ledger for each: all or none.

Belongs here: the transaction, and distinguishing a file that cannot be read from any other error.
Does not: which files (listing.py), what is in them (rows.py and its formats), what a vendor's row means
(vendors.py).
"""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator, Sequence
from dataclasses import astuple, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import duckdb

from orchestration.contract import RAW_TABLES
from orchestration.errors import GoalpostError
from orchestration.landing import vendors
from orchestration.landing.listing import LandedFile
from orchestration.landing.vendors import Adapter
from orchestration.warehouse import first_line, literal, transaction

if TYPE_CHECKING:
    from orchestration.landing.rows import Rows

TOO_LARGE_FOR_MEMORY = "It needs more memory than DuckDB may use here: land it again in smaller files."


class NotNow(Exception):
    """The file cannot be loaded now; the next run may be able to. The text is the reason."""


@dataclass(frozen=True)
class LedgerRow:
    """A row of raw.files, its columns in order."""

    file_id: int
    table_name: str
    path: str
    content_hash: str
    size_bytes: int
    rows: int
    loaded_at: datetime
    outcome: str  # loaded | set_aside
    reason: str | None
    unknown_columns: list[str]
    fingerprint: str
    csv_delimiter: str | None
    csv_fields: int | None  # the number of fields in the header


def state_of(path: Path) -> tuple[int, ...]:
    """Values that change if the file is written to or replaced. Raises OSError, and NotNow for a pipe."""
    status = os.stat(path)
    if not stat.S_ISREG(status.st_mode):
        raise NotNow("It is no longer a regular file.")
    return status.st_ino, status.st_size, status.st_mtime_ns, status.st_ctime_ns


def load_file(
    connection: duckdb.DuckDBPyConnection,
    file: LandedFile,
    local_path: Path,
    content_hash: str,
    state: tuple[int, ...],
    most_bytes: int,
    tables: Sequence[str],
) -> list[LedgerRow]:
    """Load the file's rows of these tables, or set it aside if it cannot be read: an entry for each table.

    `state`: the file's state before it was hashed; `most_bytes`: its largest size, unpacked. Raises NotNow if
    it has changed since or the disk is full, OSError if it cannot be read, GoalpostError for anything else.
    """
    from orchestration.landing.rows import UnreadableFile

    (last_id,) = connection.execute("select coalesce(max(file_id), 0) from raw.files").fetchall()[0]
    file_ids = {table: file_id for file_id, table in enumerate(tables, last_id + 1)}
    rows: Rows | None = None

    def record(table: str, count: int, unknown_columns: list[str], reason: str | None) -> LedgerRow:
        if state_of(local_path) != state:
            raise NotNow("It changed while it was read: the next run tries again.")
        entry = LedgerRow(
            file_id=file_ids[table],
            table_name=table,
            path=file.path,
            content_hash=content_hash,
            size_bytes=file.size_bytes,
            rows=count,
            loaded_at=datetime.now(UTC).replace(tzinfo=None),
            outcome="set_aside" if reason else "loaded",
            reason=reason,
            unknown_columns=unknown_columns,
            fingerprint=file.fingerprint,
            csv_delimiter=rows.csv_delimiter if rows else None,
            csv_fields=rows.csv_fields if rows else None,
        )
        values = astuple(entry)
        connection.execute(f"insert into raw.files values ({', '.join('?' * len(values))})", values)
        return entry

    try:
        try:
            rows = open_rows(connection, file, local_path, most_bytes)
            with transaction(connection):
                if file.adapters:
                    loaded = list(_insert_mapped(connection, rows, file, file_ids))
                else:
                    [(table, file_id)] = file_ids.items()
                    loaded = [(table, _insert(connection, rows, file_id), rows.unknown_columns())]
                return [record(table, count, unknown, reason=None) for table, count, unknown in loaded]
        except duckdb.Error as error:
            raise _cause(error, rows, file) from error
        except MemoryError as error:
            raise UnreadableFile(TOO_LARGE_FOR_MEMORY) from error
    except UnreadableFile as fault:
        with transaction(connection):
            return [record(table, 0, [], reason=str(fault)) for table in tables]


def open_rows(
    connection: duckdb.DuckDBPyConnection, file: LandedFile, local_path: Path, most_bytes: int
) -> Rows:
    """The file by its format; only its head is read. Raises UnreadableFile."""
    # Arrow takes half a second to import; dbt's process and the search for work do not need it.
    from orchestration.landing.avro import AvroRows
    from orchestration.landing.csv_records import CsvRows
    from orchestration.landing.json_records import JsonRows
    from orchestration.landing.parquet import ParquetRows
    from orchestration.landing.rows import VENDOR_FILE

    formats = {"parquet": ParquetRows, "avro": AvroRows, "csv": CsvRows, "json": JsonRows}
    table = VENDOR_FILE if file.adapters else RAW_TABLES[file.tables[0]]
    return formats[file.format](connection, table, local_path, file.compression, most_bytes)


def read_records(
    connection: duckdb.DuckDBPyConnection, rows: Rows, path: str, most: int | None = None
) -> list[str]:
    """A vendor's file, or its first rows, as the table `vendor_records` and the view `file` that adapters
    read. Returns the names of its columns. Lets duckdb.Error pass."""
    limit = "" if most is None else f" limit {most}"
    connection.execute(f"create or replace temp table vendor_records as {rows.records()}{limit}")
    connection.execute(vendors.MACROS)
    connection.execute(vendors.rows_of_file(path))
    return rows.names_of_records()


def _cause(error: duckdb.Error, rows: Rows | None, file: LandedFile) -> Exception:
    """The exception for the real cause: the file, the disk or the warehouse."""
    from orchestration.landing.rows import UnreadableFile

    if rows and rows.fault:
        return rows.fault
    if isinstance(error, duckdb.OutOfMemoryException):
        return UnreadableFile(TOO_LARGE_FOR_MEMORY)
    if "No space left" in str(error):
        return NotNow(f"The disk is full ({first_line(error)}): the next run tries again.")
    try:
        if rows:
            rows.verify()
    except duckdb.OutOfMemoryException:
        return UnreadableFile(TOO_LARGE_FOR_MEMORY)
    except UnreadableFile as fault:
        return fault
    return GoalpostError(
        f"{file.path} could not be loaded, though it can be read ({first_line(error)}): "
        "see whether disk and memory are enough, then run again."
    )


def _insert(connection: duckdb.DuckDBPyConnection, rows: Rows, file_id: int) -> int:
    columns = ", ".join(f'"{column.name}"' for column in rows.table.columns)
    inserted = connection.execute(
        f"""
        insert into raw."{rows.table.name}" (file_id, row_number, {columns}, raw_record)
        select {file_id}, * from ({rows.select()})
        """
    ).fetchall()[0][0]
    if inserted != rows.count():
        raise duckdb.DataError(f"{inserted} rows arrived of {rows.count()}")
    return inserted


def _insert_mapped(
    connection: duckdb.DuckDBPyConnection, rows: Rows, file: LandedFile, file_ids: dict[str, int]
) -> Iterator[tuple[str, int, list[str]]]:
    """What each adapter makes of a vendor's file: its table, how many rows, unknown columns. What is of no
    table, records that cannot be read and columns that no adapter knows, counts with the first one.

    Raises UnreadableFile if an adapter cannot map a value."""
    names = read_records(connection, rows, file.path)
    (read,) = connection.execute("select count(*) from vendor_records").fetchall()[0]
    if read != rows.count():
        raise duckdb.DataError(f"{read} rows arrived of {rows.count()}")
    unknown = vendors.unknown_columns(file.adapters, names)
    for adapter in file.adapters:
        table = adapter.table.name
        if table in file_ids:
            count = _map(connection, adapter, file, file_ids[table])
            if is_first := adapter is file.adapters[0]:
                count += connection.execute(
                    f'insert into raw."{table}" (file_id, row_number, raw_record) '
                    f"select {file_ids[table]}, row_number, raw_record from vendor_records "
                    "where raw_record is not null"
                ).fetchall()[0][0]
            yield table, count, unknown if is_first else []
    connection.execute("drop view file; drop table vendor_records")


def _map(connection: duckdb.DuckDBPyConnection, adapter: Adapter, file: LandedFile, file_id: int) -> int:
    from orchestration.landing.rows import UnreadableFile

    table = adapter.table.name
    columns = ", ".join(f'"{column.name}"' for column in adapter.table.columns)
    try:
        count = connection.execute(
            f'insert into raw."{table}" (file_id, row_number, {columns}, vendor_record) '
            f"select {file_id}, row_number, {mapped_columns(adapter, file.path)}, record "
            f"from ({vendors.query(adapter.text)})"
        ).fetchall()[0][0]
    except (duckdb.ConversionException, duckdb.InvalidInputException, duckdb.OutOfRangeException) as error:
        raise UnreadableFile(
            f"The adapter {adapter} cannot map one of its values ({first_line(error)}): "
            "use try_cast or try() there."
        ) from error
    (rows_of_file,) = connection.execute(
        f'select count(distinct row_number) from raw."{table}" where file_id = {file_id}'
    ).fetchall()[0]
    if rows_of_file < count:
        raise UnreadableFile(
            f"The adapter {adapter} makes several rows of one row of the file: it may make one."
        )
    return count


def mapped_columns(adapter: Adapter, path: str) -> str:
    """SQL: the columns of the table, as text, from those of an adapter's query. The workspace that the path
    names counts instead of the row's."""
    from orchestration.landing.rows import value

    texts = {column: f'"{column}"::varchar' for column in adapter.columns}
    if workspace := vendors.workspace_of(path):
        texts["workspace_id"] = literal(workspace)
    return ", ".join(
        f'{value(column, texts[column.name]) if column.name in texts else "null"} as "{column.name}"'
        for column in adapter.table.columns
    )
