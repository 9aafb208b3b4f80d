"""Landing on a cluster: new files become rows of raw.* in the lakehouse, which the cluster reads and writes.

Belongs here: the order of the commits, the tables of raw, and telling a file's fault from the cluster's. Does not:
what is new (orchestration/landing/listing.py), the formats (reading.py).

A commit of Iceberg is of one table. So the rows of some files are committed table by table, and their rows in the
ledger last: what the ledger does not know, a killed run has left, and the next landing deletes it first. Readers
read up to a file_id of the ledger.

The host lists the landing, reads heads, and hashes: a hash needs the bytes in their order, so no cluster can share
it out, and Spark's own (binaryFile, sha2) needs a whole file, of at most 2 GB, in the memory of a task.
"""

import hashlib
import re
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass, fields
from datetime import UTC, datetime
from itertools import groupby
from pathlib import Path

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
from orchestration.spark.connection import Spark, SparkError, insert_rows, literal
from orchestration.spark.reading import Reading, open_reading

BATCH_BYTES = 128 * 1024 * 1024  # of small files, which share commits; a larger file has its own
BATCH_FILES = 50
HEAD_BYTES = 4 * 1024 * 1024  # packed, it holds all that the heads need, even of text that does not shrink
LEDGER = {
    field.name: {"int": "bigint", "str": "string", "datetime": "timestamp", "list[str]": "array<string>"}[
        str(field.type).removesuffix(" | None")
    ]
    for field in fields(LedgerRow)
}
NO_ADAPTERS = "It is a vendor's file, which is not landed on Spark yet: land its rows in the tables' own folders."


@dataclass
class _Landing:
    """A new file on its way."""

    file: LandedFile
    file_id: int
    content_hash: str
    state: str  # differs if the file has changed since it was hashed
    reading: Reading | None = None
    reason: str | None = None  # why it is set aside

    @property
    def table(self) -> str:
        return self.file.tables[0]


def create_tables(spark: Spark) -> None:
    """The schemas raw and control, and the tables of raw."""
    for schema in ("raw", "control"):
        spark.run(f"create schema if not exists {schema}")
    spark.run(f"create table if not exists raw.files ({_ddl(LEDGER)}) using iceberg")
    for table in RAW_TABLES.values():
        columns = {column.name: "string" for column in table.columns}
        columns = {"file_id": "bigint", "row_number": "bigint", **columns} | {
            "raw_record": "string",
            "vendor_record": "string",
        }
        spark.run(f"create table if not exists raw.`{table.name}` ({_ddl(columns)}) using iceberg")


def land_new_files(
    settings: Settings,
    spark: Spark,
    on_progress: Callable[[int, int, str], None] | None = None,
    *,
    leaves_unsettled: bool = False,
) -> LandingReport:
    """Load what is new, as orchestration.landing.land_new_files does.

    Raises GoalpostError if the landing cannot be listed, the cluster cannot see it, or a readable file cannot be
    loaded.
    """
    listing = settled(settings) if leaves_unsettled else list_landing(settings)
    ignored = [*listing.ignored, *(Ignored(file.path, NO_ADAPTERS) for file in listing.files if file.adapters)]
    create_tables(spark)
    ledger = spark.rows("select file_id, path, table_name, fingerprint, content_hash from raw.files")
    known_hashes = {(row["path"], row["table_name"], row["content_hash"]) for row in ledger}
    files = [
        file
        for file in new_files(listing, {(row["path"], row["table_name"], row["fingerprint"]) for row in ledger})
        if not file.adapters
    ]
    last_id = max((row["file_id"] for row in ledger), default=0)
    entries: list[LedgerRow] = []
    with _names_as_written(spark):
        _delete_unrecorded(spark, last_id)
        done = 0
        for batch in _batches(files):
            if on_progress:
                on_progress(done, len(files), batch[0].path)
            done += len(batch)
            landings = []
            for file in batch:
                with _not_now(file, ignored):
                    state, content_hash = _state(listing, file), _content_hash(listing, file)
                    if (file.path, file.tables[0], content_hash) in known_hashes:
                        spark.run(
                            f"update raw.files set fingerprint = {literal(file.fingerprint)} "
                            f"where path = {literal(file.path)} and content_hash = {literal(content_hash)}"
                        )
                        continue
                    last_id += 1
                    landing = _Landing(file, last_id, content_hash, state)
                    landings.append(landing)
            entries += _load(settings, listing, spark, landings, ignored)
    return LandingReport(tuple(entries), tuple(sorted(ignored)))


def _load(
    settings: Settings, listing: Listing, spark: Spark, landings: list[_Landing], ignored: list[Ignored]
) -> list[LedgerRow]:
    """The files together; if that fails, each alone, to find the faulty one."""
    if not landings:
        return []
    try:
        return _load_together(settings, listing, spark, landings, ignored)
    except SparkError as error:
        _delete_unrecorded(spark, landings[0].file_id - 1)
        if len(landings) > 1:
            return [
                entry for landing in landings for entry in _load(settings, listing, spark, [landing], ignored)
            ]
        [landing] = landings
        if "while reading file" not in str(error):
            raise GoalpostError(f"{landing.file.path} could not be loaded ({error}): run again.") from error
        landing.reading, landing.reason = None, _fault(landing.file, error)
        return _record(spark, [landing], {})


def _load_together(
    settings: Settings, listing: Listing, spark: Spark, landings: list[_Landing], ignored: list[Ignored]
) -> list[LedgerRow]:
    for number, landing in enumerate(landings):
        with _not_now(landing.file, ignored), _set_aside(landing):
            with _head(settings, listing, landing.file) as head, _stream(listing, landing.file) as stream:
                view = f"landing_{number}"
                reading = open_reading(landing.file, head, stream, view, settings.max_file_bytes)
            _create_view(spark, settings, listing, landing.file, reading)
            landing.reading = reading
    landings = [landing for landing in landings if landing.reading or landing.reason]
    blocks = _all(spark, landings, lambda reading: reading.blocks())
    unknown: dict[int, list[str]] = {}
    for landing, reading in _readings(landings):
        with _set_aside(landing):
            reading.judge(spark, [block for block in blocks if block["file_id"] == landing.file_id])
            unknown[landing.file_id] = reading.unknown_columns(spark)
    for table, of_table in groupby(_readings(landings), key=lambda each: each[0].table):
        selects = [f"select {landing.file_id}, *, null from ({reading.select()})" for landing, reading in of_table]
        hint = "/*+ rebalance */ " if len(selects) > 1 else ""
        spark.run(f"insert into raw.`{table}` select {hint}* from ({' union all '.join(selects)})")
    _verify(spark, landings)
    changed = [landing for landing in landings if _has_changed(listing, landing, ignored)]
    for landing in changed:
        spark.run(f"delete from raw.`{landing.table}` where file_id = {landing.file_id}")
    return _record(spark, [landing for landing in landings if landing not in changed], unknown)


def _record(spark: Spark, landings: list[_Landing], unknown: dict[int, list[str]]) -> list[LedgerRow]:
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
            unknown_columns=unknown.get(landing.file_id, []),
            fingerprint=landing.file.fingerprint,
            csv_delimiter=landing.reading.csv_delimiter if landing.reading else None,
            csv_fields=landing.reading.csv_fields if landing.reading else None,
        )
        for landing in landings
    ]
    insert_rows(spark, "raw.files", LEDGER, [asdict(entry) for entry in entries])
    return entries


def _verify(spark: Spark, landings: list[_Landing]) -> None:
    """Raises GoalpostError if other rows arrived than were counted."""
    counts = [
        f"select file_id, count(*) as rows from raw.`{table}` where file_id in "
        f"({', '.join(str(landing.file_id) for landing, _ in of_table)}) group by file_id"
        for table, of_table in groupby(_readings(landings), key=lambda each: each[0].table)
    ]
    arrived = {row["file_id"]: row["rows"] for row in spark.rows(" union all ".join(counts))} if counts else {}
    for landing, reading in _readings(landings):
        if arrived.get(landing.file_id, 0) != reading.rows:
            raise GoalpostError(
                f"{landing.file.path} could not be loaded: {arrived.get(landing.file_id, 0)} rows arrived of "
                f"{reading.rows}. Run again."
            )


def _delete_unrecorded(spark: Spark, last_id: int) -> None:
    """The rows of files that the ledger does not know. (Iceberg's metadata know the largest file_id.)"""
    largest = " union all ".join(
        f"select '{table}' as name, max(file_id) as file_id from raw.`{table}`" for table in RAW_TABLES
    )
    for row in spark.rows(largest):
        if (row["file_id"] or 0) > last_id:
            spark.run(f"delete from raw.`{row['name']}` where file_id > {last_id}")


def _readings(landings: Iterable[_Landing]) -> Iterator[tuple[_Landing, Reading]]:
    return ((landing, landing.reading) for landing in landings if landing.reading and not landing.reason)


def _all(spark: Spark, landings: list[_Landing], query: Callable[[Reading], str]) -> list[dict]:
    queries = [f"select {landing.file_id} as file_id, * from ({query(reading)})" for landing, reading in _readings(landings)]
    return spark.rows(" union all ".join(queries)) if queries else []


def _create_view(spark: Spark, settings: Settings, listing: Listing, file: LandedFile, reading: Reading) -> None:
    path = f"file:{file.location}" if listing.is_local else f"{settings.landing.rstrip('/')}/{file.path}"
    try:
        spark.run(reading.create_view(re.sub(r"([\\{}\[\]*?])", r"\\\1", path)))
    except SparkError as error:
        if "PATH_NOT_FOUND" not in str(error):
            raise
        if not listing.file_system.exists(file.location):
            raise FileNotFoundError(file.location) from error
        raise GoalpostError(
            f"The cluster does not see {path}: the landing must be in an object store, or in a folder that every "
            "machine of the cluster has under the same path."
        ) from error


def _fault(file: LandedFile, error: SparkError) -> str:
    causes = re.findall(r"Caused by: [\w.$]+: (.+)", str(error.__cause__).replace("\\n", "\n"))
    problem = (causes[-1] if causes else "Spark says no more").rstrip(".")
    kind = {"gz": "complete gzip", "bz2": "complete bzip2"}.get(file.compression or "", f"readable {file.format}")
    return f"It is not a {kind} file ({problem}): land it again."


@contextmanager
def _names_as_written(spark: Spark) -> Iterator[None]:
    """A Parquet file may have names that differ only in case."""
    spark.run("set spark.sql.caseSensitive = true")
    try:
        yield
    finally:
        with suppress(SparkError):
            spark.run("reset spark.sql.caseSensitive")


@contextmanager
def _set_aside(landing: _Landing) -> Iterator[None]:
    try:
        yield
    except UnreadableFile as fault:
        landing.reason = str(fault)


@contextmanager
def _not_now(file: LandedFile, ignored: list[Ignored]) -> Iterator[None]:
    try:
        yield
    except NotNow as reason:
        ignored.append(Ignored(file.path, str(reason)))
    except OSError as error:
        ignored.append(Ignored(file.path, not_now(error)))


def _has_changed(listing: Listing, landing: _Landing, ignored: list[Ignored]) -> bool:
    before = len(ignored)
    with _not_now(landing.file, ignored):
        if _state(listing, landing.file) != landing.state:
            raise NotNow("It changed while it was read: the next run tries again.")
    return len(ignored) > before


def _state(listing: Listing, file: LandedFile) -> str:
    with reading_one_file(file.location):
        listing.file_system.invalidate_cache()
        return str(listing.file_system.checksum(file.location))


def _content_hash(listing: Listing, file: LandedFile) -> str:
    with _stream(listing, file) as stream, reading_one_file(file.location):
        return hashlib.file_digest(stream, "sha256").hexdigest()


@contextmanager
def _stream(listing: Listing, file: LandedFile):
    with reading_one_file(file.location):
        stream = listing.file_system.open(file.location, "rb")
    with stream:
        yield stream


@contextmanager
def _head(settings: Settings, listing: Listing, file: LandedFile) -> Iterator[Path]:
    if listing.is_local:
        yield Path(file.location)
        return
    copy = settings.home / "landing.part"
    try:
        with _stream(listing, file) as stream, reading_one_file(file.location):
            copy.write_bytes(stream.read(HEAD_BYTES))
        yield copy
    finally:
        copy.unlink(missing_ok=True)


def _batches(files: Iterable[LandedFile]) -> Iterator[list[LandedFile]]:
    batch: list[LandedFile] = []
    for file in files:
        if batch and (len(batch) == BATCH_FILES or sum(each.size_bytes for each in [*batch, file]) > BATCH_BYTES):
            yield batch
            batch = []
        batch.append(file)
    if batch:
        yield batch


def _ddl(columns: dict[str, str]) -> str:
    return ", ".join(f"`{name}` {type_}" for name, type_ in columns.items())
