"""Loads one landed file into its raw table, together with its row in the ledger: both or neither.

Belongs here: the transaction, and distinguishing a file that cannot be read from any other error.
Does not: which files (listing.py), what is in them (rows.py and its formats).
"""

from __future__ import annotations

import os
import stat
from dataclasses import astuple, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import duckdb

from orchestration.contract import RAW_TABLES
from orchestration.errors import GoalpostError
from orchestration.landing.listing import LandedFile
from orchestration.warehouse import first_line, transaction

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
) -> LedgerRow:
    """Load the file, or set it aside if it cannot be read.

    `state`: the file's state before it was hashed; `most_bytes`: its largest size, unpacked. Raises NotNow if
    it has changed since or the disk is full, OSError if it cannot be read, GoalpostError for anything else.
    """
    # Arrow takes half a second to import; dbt's process and the search for work do not need it.
    from orchestration.landing.avro import AvroRows
    from orchestration.landing.csv_records import CsvRows
    from orchestration.landing.json_records import JsonRows
    from orchestration.landing.parquet import ParquetRows
    from orchestration.landing.rows import UnreadableFile

    formats = {"parquet": ParquetRows, "avro": AvroRows, "csv": CsvRows, "json": JsonRows}
    (file_id,) = connection.execute("select coalesce(max(file_id), 0) + 1 from raw.files").fetchall()[0]
    rows: Rows | None = None

    def record(count: int, unknown_columns: list[str], reason: str | None) -> LedgerRow:
        if state_of(local_path) != state:
            raise NotNow("It changed while it was read: the next run tries again.")
        entry = LedgerRow(
            file_id=file_id,
            table_name=file.table_name,
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
            table = RAW_TABLES[file.table_name]
            found = rows = formats[file.format](connection, table, local_path, file.compression, most_bytes)
            with transaction(connection):
                return record(_insert(connection, found, file_id), found.unknown_columns(), reason=None)
        except duckdb.Error as error:
            raise _cause(error, rows, file) from error
        except MemoryError as error:
            raise UnreadableFile(TOO_LARGE_FOR_MEMORY) from error
    except UnreadableFile as fault:
        return record(0, [], reason=str(fault))


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
