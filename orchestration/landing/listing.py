"""What lies in the landing, and which of it has to be looked at.

Belongs here: walking a local folder or an object store, and comparing it with the ledger. Does not: reading a
file (rows.py), loading it (load.py) or Dagster (defs/).
"""

import hashlib
import os
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import cast

import fsspec
from fsspec.implementations.local import LocalFileSystem

from orchestration.contract import RAW_TABLES
from orchestration.errors import GoalpostError
from orchestration.settings import Settings

FORMATS = (".parquet", ".jsonl", ".jsonl.gz", ".csv", ".csv.gz")


@dataclass(frozen=True, order=True)
class LandedFile:
    path: str  # below the landing: a landing that moves stays the same
    location: str  # where its file system finds it
    size_bytes: int
    fingerprint: str  # differs whenever the content does; cheap, unlike the hash of the content

    @property
    def table_name(self) -> str:
        return self.path.split("/")[0]

    @property
    def is_compressed(self) -> bool:
        return self.path.lower().endswith(".gz")

    @property
    def format(self) -> str:
        return self.path.lower().removesuffix(".gz").rpartition(".")[2]


@dataclass(frozen=True)
class Listing:
    file_system: fsspec.AbstractFileSystem
    files: tuple[LandedFile, ...]  # of the raw tables, in the order in which they load
    unknown_folders: tuple[str, ...]  # what holds files but is no raw table

    @property
    def is_local(self) -> bool:
        return isinstance(self.file_system, LocalFileSystem)


def list_landing(settings: Settings) -> Listing:
    with reading_errors(settings.landing, Exception):
        file_system, root = fsspec.url_to_fs(settings.landing)
        file_system.invalidate_cache()
        if not file_system.isdir(root):
            raise GoalpostError(
                f"There is no landing folder {settings.landing}: create it and put files into its folders "
                "<table>/, or set GOALPOST_LANDING to the one you mean."
            )
        is_local = isinstance(file_system, LocalFileSystem)
        files = sorted(_local_files(root) if is_local else _remote_files(file_system, root))
    in_tables = tuple(file for file in files if "/" in file.path and file.table_name in RAW_TABLES)
    unknown_folders = {file.path.split("/")[0] for file in set(files).difference(in_tables)}
    return Listing(file_system, in_tables, tuple(sorted(unknown_folders)))


def new_files(listing: Listing, known: Collection[tuple[str, str]]) -> list[LandedFile]:
    """The files whose (path, fingerprint) the ledger does not know: only these have to be hashed."""
    return [file for file in listing.files if (file.path, file.fingerprint) not in known]


@contextmanager
def reading_errors(place: str, kind: type[Exception]) -> Iterator[None]:
    """Says what cannot be read. `kind` is OSError, or anything: object stores have errors of their own."""
    try:
        yield
    except GoalpostError:
        raise
    except kind as error:
        raise GoalpostError(
            f"{place} cannot be read ({error}): check that it is there and that you may read it, "
            "then run again; what was loaded before stays."
        ) from error


def _local_files(root: str) -> Iterator[LandedFile]:
    """Unlike fsspec's own listing this follows links: a table's folder may be one to where the data are."""

    def stop(error: OSError) -> None:
        raise error

    for folder, _, names in os.walk(root, onerror=stop, followlinks=True):
        for name in names:
            location = os.path.join(folder, name)
            path = os.path.relpath(location, root)
            if _is_data(path):
                status = os.stat(location)
                times = (status.st_mtime_ns, status.st_ctime_ns)
                yield LandedFile(path, location, status.st_size, _fingerprint(status.st_size, *times))


def _remote_files(file_system: fsspec.AbstractFileSystem, root: str) -> Iterator[LandedFile]:
    details_by_location = cast(dict[str, dict], file_system.find(root, detail=True))
    for location, details in details_by_location.items():
        path = location.removeprefix(root).lstrip("/")
        if _is_data(path):
            yield LandedFile(path, location, details["size"], _fingerprint(*sorted(details.items())))


def _fingerprint(*evidence: object) -> str:
    """Of whatever tells of a change: an object store has an ETag or a version among its details."""
    return hashlib.sha256(repr(evidence).encode()).hexdigest()


def _is_data(path: str) -> bool:
    is_hidden = any(part.startswith(("_", ".")) for part in path.split("/"))
    return path.lower().endswith(FORMATS) and not is_hidden
