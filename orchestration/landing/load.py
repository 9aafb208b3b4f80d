"""One landed file into its raw table, together with its row in the ledger: both or neither.

Belongs here: the transaction, and telling a file that cannot be read from anything else that goes wrong.
Does not: which files (listing.py), what is in them (rows.py and its formats).
"""

from __future__ import annotations

from dataclasses import astuple, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import duckdb

from orchestration.contract import RAW_TABLES
from orchestration.errors import GoalpostError
from orchestration.landing.listing import LandedFile
from orchestration.warehouse import first_line

if TYPE_CHECKING:
    from orchestration.landing.rows import Rows


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


def load_file(
    connection: duckdb.DuckDBPyConnection, file: LandedFile, local_path: Path, content_hash: str
) -> LedgerRow:
    """Load the file, or set it aside if it cannot be read."""
    # Arrow takes half a second to import: dbt's process, and who only looks for work, need none of it.
    from orchestration.landing.csv_records import CsvRows
    from orchestration.landing.json_lines import JsonRows
    from orchestration.landing.parquet import ParquetRows
    from orchestration.landing.rows import UnreadableFile

    formats = {"parquet": ParquetRows, "csv": CsvRows, "jsonl": JsonRows}
    file_id = connection.execute("select coalesce(max(file_id), 0) + 1 from raw.files").fetchall()[0][0]

    def record(rows: int, unknown_columns: list[str], reason: str | None) -> LedgerRow:
        entry = LedgerRow(
            file_id=file_id,
            table_name=file.table_name,
            path=file.path,
            content_hash=content_hash,
            size_bytes=file.size_bytes,
            rows=rows,
            loaded_at=datetime.now(UTC).replace(tzinfo=None),
            outcome="set_aside" if reason else "loaded",
            reason=reason,
            unknown_columns=unknown_columns,
            fingerprint=file.fingerprint,
        )
        values = astuple(entry)
        connection.execute(f"insert into raw.files values ({', '.join('?' * len(values))})", values)
        return entry

    try:
        rows = formats[file.format](connection, RAW_TABLES[file.table_name], local_path, file.is_compressed)
        connection.begin()
        try:
            entry = record(_insert(connection, rows, file_id), rows.unknown_columns(), reason=None)
            connection.commit()
        except duckdb.Error as error:
            connection.rollback()
            rows.verify()
            raise GoalpostError(
                f"{file.path} could not be loaded, though it can be read ({first_line(error)}): "
                "see whether disk and memory are enough, then run again."
            ) from error
    except UnreadableFile as fault:
        entry = record(0, [], reason=str(fault))
    return entry


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
