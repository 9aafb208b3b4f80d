"""Landing on a cluster: new files become rows of raw.* in the lakehouse, which the cluster reads and writes.

Belongs here: the order of the commits, the tables of raw, and telling a file's fault from the cluster's. Does
not: what is new (orchestration/landing/listing.py), the formats (reading.py).

A commit of Iceberg changes one table. So the rows of some files are committed table by table, and their rows
in the ledger last. A killed run leaves rows that the ledger does not know; the next landing deletes them
first. Readers read up to a file_id of the ledger.

The host lists the landing, reads the heads of files and hashes them. A hash needs the bytes in their order,
so a cluster cannot share it out; Spark's own (binaryFile, sha2) needs the whole file, of at most 2 GB, in the
memory of one task.
"""

import errno
import hashlib
import os
import re
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass, field, fields
from datetime import UTC, datetime
from io import BufferedReader
from itertools import groupby
from pathlib import Path
from typing import cast

from orchestration.contract import RAW_TABLES
from orchestration.errors import GoalpostError
from orchestration.landing.land import LandingReport, settled
from orchestration.landing.listing import (
    Ignored,
    LandedFile,
    Listing,
    list_landing,
    new_files,
    not_now,
    reading_one_file,
)
from orchestration.landing.load import LedgerRow, NotNow
from orchestration.landing.rows import UnreadableFile
from orchestration.settings import Settings
from orchestration.spark.connection import Row, Spark, SparkError, insert_rows, literal
from orchestration.spark.reading import Reading, open_reading

BATCH_BYTES = 128 * 1024 * 1024  # of small files, which share commits; a larger file has its own
BATCH_FILES = 50
HEAD_BYTES = 4 * 1024 * 1024  # packed, it holds all that the heads need, even of text that does not shrink
LEDGER = {
    column.name: {"int": "bigint", "str": "string", "datetime": "timestamp", "list[str]": "array<string>"}[
        str(column.type).removesuffix(" | None")
    ]
    for column in fields(LedgerRow)
}
NO_ADAPTERS = (
    "It is a vendor's file, which is not landed on Spark yet: land its rows in the tables' own folders."
)


def create_tables(spark: Spark) -> None:
    """The schemas raw and control, and the tables of raw."""
    for schema in ("raw", "control"):
        spark.run(f"create schema if not exists {schema}")
    spark.run(f"create table if not exists raw.files ({_ddl(LEDGER)}) using iceberg")
    for table in RAW_TABLES.values():
        names = [*(column.name for column in table.columns), "raw_record", "vendor_record"]
        columns = {"file_id": "bigint", "row_number": "bigint", **dict.fromkeys(names, "string")}
        spark.run(f"create table if not exists raw.{table.name} ({_ddl(columns)}) using iceberg")


def are_files_waiting(settings: Settings, spark: Spark) -> bool:
    """Are there files in the landing that no run has read? Raises GoalpostError as landing does."""
    ledger = spark.rows("select path, table_name, fingerprint from raw.files")
    known = {(row["path"], row["table_name"], row["fingerprint"]) for row in ledger}
    return any(not file.adapters for file in new_files(list_landing(settings), known))


def land_new_files(
    settings: Settings,
    spark: Spark,
    on_progress: Callable[[int, int, str], None] | None = None,
    *,
    leaves_unsettled: bool = False,
) -> LandingReport:
    """Load what is new, as orchestration.landing.land_new_files does.

    Raises GoalpostError if the landing cannot be listed, the cluster cannot see it, or a readable file cannot
    be loaded.
    """
    listing = settled(settings) if leaves_unsettled else list_landing(settings)
    create_tables(spark)
    ledger = spark.rows("select file_id, path, table_name, fingerprint, content_hash from raw.files")
    found = new_files(listing, {(row["path"], row["table_name"], row["fingerprint"]) for row in ledger})
    files = [file for file in found if not file.adapters]
    ignored = [*listing.ignored, *(Ignored(file.path, NO_ADAPTERS) for file in found if file.adapters)]
    lander = _Lander(
        settings,
        spark,
        listing,
        ignored,
        known={(row["path"], row["content_hash"]) for row in ledger},
        last_id=max((row["file_id"] for row in ledger), default=0),
    )
    entries: list[LedgerRow] = []
    done = 0
    with _names_as_written(spark):
        lander.delete_unrecorded(lander.last_id)
        for batch in _batches(files):
            if on_progress:
                on_progress(done, len(files), batch[0].path)
            entries += lander.load(lander.open(batch))
            done += len(batch)
    return LandingReport(tuple(entries), tuple(sorted(ignored)))


@dataclass
class _Landing:
    """A new file on its way into raw. Without a reading it is set aside, for a reason."""

    file: LandedFile
    file_id: int
    content_hash: str
    state: str  # differs if the file has changed since it was hashed
    reading: Reading | None = None
    reason: str | None = None
    unknown_columns: list[str] = field(default_factory=list)

    @property
    def table(self) -> str:
        return self.file.tables[0]

    @contextmanager
    def set_aside_if_unreadable(self) -> Iterator[None]:
        try:
            yield
        except UnreadableFile as fault:
            self.reading, self.reason = None, str(fault)


@dataclass
class _Lander:
    settings: Settings
    spark: Spark
    listing: Listing
    ignored: list[Ignored]
    known: set[tuple[str, str]]  # path and hash of the content
    last_id: int

    def open(self, files: Iterable[LandedFile]) -> list[_Landing]:
        """Hash the files and read their heads, on the host, and let the cluster see them."""
        landings = []
        for file in files:
            with self._ignored_if_not_now(file):
                state, content_hash = self._state(file), self._content_hash(file)
                if (file.path, content_hash) in self.known:
                    self.spark.run(
                        f"update raw.files set fingerprint = {literal(file.fingerprint)} "
                        f"where path = {literal(file.path)} and content_hash = {literal(content_hash)}"
                    )
                    continue
                landing = _Landing(file, self.last_id + 1, content_hash, state)
                with landing.set_aside_if_unreadable():
                    landing.reading = self._reading(file, f"landing_{landing.file_id}")
                landings.append(landing)
                self.last_id += 1
        return landings

    def load(self, landings: list[_Landing]) -> list[LedgerRow]:
        """Load the files together. If that fails, each half of them, down to the faulty file, which is set
        aside.

        Raises GoalpostError if the error is of no file."""
        try:
            return self._load_together(landings)
        except SparkError as error:
            self.delete_unrecorded(landings[0].file_id - 1)
            if half := len(landings) // 2:
                return self.load(landings[:half]) + self.load(landings[half:])
            with landings[0].set_aside_if_unreadable():
                raise _cause(landings[0].file, error) from error
            return self._record(landings)

    def delete_unrecorded(self, last_id: int) -> None:
        """The rows of files that the ledger does not know. (Iceberg's metadata know the largest file_id.)"""
        largest = " union all ".join(
            f"select '{table}' as name, max(file_id) as file_id from raw.{table}" for table in RAW_TABLES
        )
        for row in self.spark.rows(largest):
            if (row["file_id"] or 0) > last_id:
                self.spark.run(f"delete from raw.{row['name']} where file_id > {last_id}")

    def _load_together(self, landings: list[_Landing]) -> list[LedgerRow]:
        blocks = self._rows_of_each(landings, lambda reading: reading.blocks())
        for landing, reading in _read(landings):
            with landing.set_aside_if_unreadable():
                reading.judge(self.spark, blocks[landing.file_id])
        unknown = self._rows_of_each(landings, lambda reading: reading.unknown_columns())
        for landing in landings:
            landing.unknown_columns = [row["name"] for row in unknown[landing.file_id]]
        for table, of_table in groupby(_read(landings), key=lambda each: each[0].table):
            selects = [
                f"select {landing.file_id}, *, cast(null as string) from ({reading.select()})"
                for landing, reading in of_table
            ]
            hint = "/*+ rebalance */ " if len(selects) > 1 else ""  # small files make one file of Iceberg
            self.spark.run(f"insert into raw.{table} select {hint}* from ({' union all '.join(selects)})")
        self._verify(landings)
        return self._record([landing for landing in landings if self._is_unchanged(landing)])

    def _rows_of_each(
        self, landings: list[_Landing], query: Callable[[Reading], str]
    ) -> dict[int, list[Row]]:
        """The rows of a query of each file, in one statement, by file_id."""
        queries = [
            f"select {landing.file_id} as file_id, * from ({query(reading)})"
            for landing, reading in _read(landings)
        ]
        rows: dict[int, list[Row]] = defaultdict(list)
        for row in self.spark.rows(" union all ".join(queries)) if queries else []:
            rows[row["file_id"]].append(row)
        return rows

    def _verify(self, landings: list[_Landing]) -> None:
        """Raises GoalpostError if other rows arrived than were counted."""
        by_table = groupby(_read(landings), key=lambda each: each[0].table)
        counts = " union all ".join(
            f"select file_id, count(*) as rows from raw.{table} "
            f"where file_id in ({', '.join(str(landing.file_id) for landing, _ in of_table)}) "
            "group by file_id"
            for table, of_table in by_table
        )
        arrived = {row["file_id"]: row["rows"] for row in self.spark.rows(counts)} if counts else {}
        for landing, reading in _read(landings):
            if (count := arrived.get(landing.file_id, 0)) != reading.rows:
                raise GoalpostError(
                    f"{landing.file.path} could not be loaded: {count} rows arrived of {reading.rows}. "
                    "Run again."
                )

    def _is_unchanged(self, landing: _Landing) -> bool:
        """If not, its rows are deleted."""
        with self._ignored_if_not_now(landing.file):
            if self._state(landing.file) == landing.state:
                return True
            raise NotNow("It changed while it was read: the next run tries again.")
        self.spark.run(f"delete from raw.{landing.table} where file_id = {landing.file_id}")
        return False

    def _record(self, landings: list[_Landing]) -> list[LedgerRow]:
        entries = [
            LedgerRow(
                file_id=landing.file_id,
                table_name=landing.table,
                path=landing.file.path,
                content_hash=landing.content_hash,
                size_bytes=landing.file.size_bytes,
                rows=landing.reading.rows if landing.reading else 0,
                loaded_at=datetime.now(UTC).replace(tzinfo=None),
                outcome="set_aside" if landing.reason else "loaded",
                reason=landing.reason,
                unknown_columns=landing.unknown_columns,
                fingerprint=landing.file.fingerprint,
                csv_delimiter=landing.reading.csv_delimiter if landing.reading else None,
                csv_fields=landing.reading.csv_fields if landing.reading else None,
            )
            for landing in landings
        ]
        insert_rows(self.spark, "raw.files", LEDGER, [asdict(entry) for entry in entries])
        return entries

    def _reading(self, file: LandedFile, view: str) -> Reading:
        """The file, and a view of it on the cluster. Raises UnreadableFile, OSError, GoalpostError."""
        with self._head(file) as head, self._stream(file) as stream:
            reading = open_reading(file, head, stream, view, self.settings.max_file_bytes)
        folder = self.settings.landing.rstrip("/")
        path = f"file:{file.location}" if self.listing.is_local else f"{folder}/{file.path}"
        try:
            self.spark.run(reading.create_view(re.sub(r"([\\{}\[\]*?])", r"\\\1", path)))
        except SparkError as error:
            if "PATH_NOT_FOUND" not in str(error):
                raise
            if not self.listing.file_system.exists(file.location):
                raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT)) from error
            raise GoalpostError(
                f"The cluster does not see {path}: the landing must be in an object store, or in a folder "
                "that every machine of the cluster has under the same path."
            ) from error
        return reading

    @contextmanager
    def _head(self, file: LandedFile) -> Iterator[Path]:
        """A local file with at least the head."""
        if self.listing.is_local:
            yield Path(file.location)
            return
        copy = self.settings.home / "landing.part"
        try:
            with self._stream(file) as stream, reading_one_file(file.location):
                copy.write_bytes(stream.read(HEAD_BYTES))
            yield copy
        finally:
            copy.unlink(missing_ok=True)

    @contextmanager
    def _stream(self, file: LandedFile) -> Iterator[BufferedReader]:
        with reading_one_file(file.location):
            stream = cast(BufferedReader, self.listing.file_system.open(file.location, "rb"))
        with stream:
            yield stream

    def _content_hash(self, file: LandedFile) -> str:
        with self._stream(file) as stream, reading_one_file(file.location):
            return hashlib.file_digest(stream, "sha256").hexdigest()

    def _state(self, file: LandedFile) -> str:
        with reading_one_file(file.location):
            self.listing.file_system.invalidate_cache()
            return str(self.listing.file_system.checksum(file.location))

    @contextmanager
    def _ignored_if_not_now(self, file: LandedFile) -> Iterator[None]:
        try:
            yield
        except NotNow as reason:
            self.ignored.append(Ignored(file.path, str(reason)))
        except OSError as error:
            self.ignored.append(Ignored(file.path, not_now(error)))


def _read(landings: Iterable[_Landing]) -> Iterator[tuple[_Landing, Reading]]:
    return ((landing, landing.reading) for landing in landings if landing.reading)


def _cause(file: LandedFile, error: SparkError) -> Exception:
    """The file's fault, if Spark met it in reading the file."""
    told = str(error.__cause__).replace("\\n", "\n")
    if "while reading file" not in told and "hadoop.io.compress" not in told:
        return GoalpostError(f"{file.path} could not be loaded ({error}): run again.")
    causes = re.findall(r"Caused by: [\w.$]*?(\w+: .+)", told)
    problem = (causes[-1] if causes else str(error).rpartition(": ")[2]).rstrip(".")
    return UnreadableFile(f"Spark cannot read it ({problem}): land it again, complete, or in another format.")


@contextmanager
def _names_as_written(spark: Spark) -> Iterator[None]:
    """A Parquet file may have names that differ only in case."""
    spark.run("set spark.sql.caseSensitive = true")
    try:
        yield
    finally:
        with suppress(SparkError):
            spark.run("reset spark.sql.caseSensitive")


def _batches(files: Iterable[LandedFile]) -> Iterator[list[LandedFile]]:
    batch: list[LandedFile] = []
    for file in files:
        size = sum(each.size_bytes for each in (*batch, file))
        if batch and (len(batch) == BATCH_FILES or size > BATCH_BYTES):
            yield batch
            batch = []
        batch.append(file)
    if batch:
        yield batch


def _ddl(columns: dict[str, str]) -> str:
    return ", ".join(f"`{name}` {type_}" for name, type_ in columns.items())
