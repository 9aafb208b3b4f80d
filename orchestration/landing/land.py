"""Loads everything new in the landing into `raw`, file by file.

Belongs here: the order of the steps, and the report for the run. Does not: what is new (listing.py), one file
(load.py), the writer's lock (the caller holds it: warehouse.single_writer).
"""

import hashlib
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from orchestration.landing.listing import (
    BEING_WRITTEN,
    SETTLED_SECONDS,
    Ignored,
    LandedFile,
    Listing,
    list_landing,
    new_files,
    not_now,
    reading_one_file,
)
from orchestration.landing.load import LedgerRow, NotNow, load_file, state_of
from orchestration.settings import Settings
from orchestration.warehouse import connect


@dataclass(frozen=True)
class LandingReport:
    files: tuple[LedgerRow, ...]  # new in this run, loaded or set aside; a vendor's file once for each table
    ignored: tuple[Ignored, ...]  # by path: what the listing left out, and what could not be read now

    @property
    def loaded(self) -> list[LedgerRow]:
        return [file for file in self.files if file.outcome == "loaded"]

    @property
    def set_aside(self) -> list[LedgerRow]:
        return [file for file in self.files if file.outcome == "set_aside"]

    @property
    def rows_by_table(self) -> dict[str, int]:
        rows: Counter[str] = Counter()
        for file in self.loaded:
            rows[file.table_name] += file.rows
        return dict(+rows)  # of a vendor's file, most tables may have none


def land_new_files(
    settings: Settings,
    on_progress: Callable[[int, int, str], None] | None = None,
    *,
    leaves_unsettled: bool = False,
) -> LandingReport:
    """Load what is new. `on_progress` is called with (files done, files to read, path of the next file).
    `leaves_unsettled`: what may still be being written is left to the next run.

    A file that cannot be read or loaded now does not stop the others: it is ignored, and the next run tries
    it again.
    Raises GoalpostError if the landing cannot be listed, the warehouse cannot be opened, or a readable file
    cannot be loaded.
    """
    listing = settled(settings) if leaves_unsettled else list_landing(settings)
    entries, ignored = [], list(listing.ignored)
    with closing(connect(settings)) as connection:
        ledger = connection.execute(
            "select path, table_name, fingerprint, content_hash from raw.files"
        ).fetchall()
        known_hashes = {(path, table, content_hash) for path, table, _, content_hash in ledger}
        files = new_files(listing, {(path, table, fingerprint) for path, table, fingerprint, _ in ledger})
        for done, file in enumerate(files):
            if on_progress:
                on_progress(done, len(files), file.path)
            try:
                with _local_copy(settings, listing, file) as local_path:
                    state = state_of(local_path)
                    content_hash = _content_hash(local_path)
                    new = [
                        table for table in file.tables if (file.path, table, content_hash) not in known_hashes
                    ]
                    if len(new) < len(file.tables):
                        connection.execute(
                            "update raw.files set fingerprint = ? where path = ? and content_hash = ?",
                            [file.fingerprint, file.path, content_hash],
                        )
                    if new:
                        entries.extend(
                            load_file(
                                connection,
                                file,
                                local_path,
                                content_hash,
                                state,
                                settings.max_file_bytes,
                                new,
                            )
                        )
            except NotNow as reason:
                ignored.append(Ignored(file.path, str(reason)))
            except OSError as error:
                ignored.append(Ignored(file.path, not_now(error)))
    return LandingReport(tuple(entries), tuple(sorted(ignored)))


def settled(settings: Settings) -> Listing:
    """What is in the landing and complete. What changed just now gets a moment to show whether it changes
    again: whoever lands a file and starts a run wants it in that run."""
    listing, now = list_landing(settings), time.time()
    if not (young := [file.changed_at for file in listing.files if file.is_being_written(now)]):
        return listing
    time.sleep(max(young) + SETTLED_SECONDS - now)
    listing, now = list_landing(settings), time.time()
    being_written = {file for file in listing.files if file.is_being_written(now)}
    return replace(
        listing,
        files=tuple(file for file in listing.files if file not in being_written),
        ignored=(*listing.ignored, *(Ignored(file.path, BEING_WRITTEN) for file in being_written)),
    )


@contextmanager
def _local_copy(settings: Settings, listing: Listing, file: LandedFile) -> Iterator[Path]:
    """The path of a local file, or of a copy of a file in an object store. The whole file is fetched first,
    so that a broken connection does not look like a file that is cut off. The copy always has the same path,
    so killed runs leave at most one. Raises as reading_one_file.
    """
    if listing.is_local:
        yield Path(file.location)
        return
    copy = settings.home / "landing.part"
    try:
        with reading_one_file(file.location):
            listing.file_system.get_file(file.location, copy)
        yield copy
    finally:
        copy.unlink(missing_ok=True)


def _content_hash(path: Path) -> str:
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()
