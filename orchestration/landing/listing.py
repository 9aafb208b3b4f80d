"""What is in the landing, and which files must be read.

Belongs here: walking a local folder or an object store, what is ignored and why, and comparing the rest with
the ledger. Does not: reading a file (rows.py), loading it (load.py) or Dagster (defs/).
"""

import errno
import hashlib
import os
import stat
from collections import deque
from collections.abc import Collection, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from difflib import get_close_matches
from typing import cast

import fsspec
from fsspec.implementations.local import LocalFileSystem

from orchestration.contract import RAW_TABLES
from orchestration.errors import GoalpostError
from orchestration.landing.vendors import Adapter, Vendor, read_vendors
from orchestration.settings import Settings

TEXT_FORMATS = {"jsonl": "json", "ndjson": "json", "json": "json", "csv": "csv", "tsv": "csv"}
FORMATS = {"parquet": "parquet", "avro": "avro", **TEXT_FORMATS}  # by the suffix, in any case
COMPRESSIONS = ("gz", "zst", "bz2")  # for text formats

NO_FORMAT = (
    f"Its name does not end in one of {', '.join('.' + suffix for suffix in FORMATS)}, the text formats also "
    f"followed by {' or '.join('.' + suffix for suffix in COMPRESSIONS)}."
)
UNFINISHED = "Its name begins with a dot or _, so it counts as unfinished."
NO_TABLE = "It is not in a table's folder."
LEADS_OUT = "It is a link that leads out of the landing: only files in the landing are read."
LEADS_NOWHERE = "It is a link whose target does not exist."
IN_A_CIRCLE = "It is a link in a circle."
# Whoever writes a file for longer than this between two pieces must rename it when it is complete.
SETTLED_SECONDS = 3
BEING_WRITTEN = f"It changed in the last {SETTLED_SECONDS} seconds, so it may still be being written."
SPECIAL_FILES = {
    stat.S_IFIFO: "a named pipe",
    stat.S_IFSOCK: "a socket",
    stat.S_IFCHR: "a device",
    stat.S_IFBLK: "a device",
}


@dataclass(frozen=True, order=True)
class LandedFile:
    path: str  # relative to the landing, so that the landing may move
    location: str  # the path in its file system
    size_bytes: int
    fingerprint: str  # differs whenever the content does; cheap, unlike the hash of the content
    changed_at: float = 0  # seconds since 1970; 0 in an object store, which shows only complete files

    def is_being_written(self, now: float) -> bool:
        """May be. A time in the future is of another machine's clock, and says nothing."""
        return 0 <= now - self.changed_at < SETTLED_SECONDS

    adapters: tuple[Adapter, ...] = field(default=(), compare=False)  # of a vendor's file: those that take it

    @property
    def tables(self) -> tuple[str, ...]:
        """The raw tables that it has rows of."""
        return tuple(adapter.table.name for adapter in self.adapters) or (self.path.split("/")[0],)

    @property
    def format(self) -> str:
        return _format_of(self.path)[0] or ""

    @property
    def compression(self) -> str | None:
        """gz, zst, bz2 or None."""
        return _format_of(self.path)[1]


@dataclass(frozen=True, order=True)
class Ignored:
    """An entry of the landing that is not loaded. A folder stands for everything in it."""

    path: str  # relative to the landing, always valid Unicode; may contain control characters
    reason: str  # a sentence


@dataclass(frozen=True)
class Listing:
    file_system: fsspec.AbstractFileSystem
    files: tuple[LandedFile, ...]  # of the raw tables, in the order in which they load
    ignored: tuple[Ignored, ...]  # everything else in the landing, by path

    @property
    def is_local(self) -> bool:
        return isinstance(self.file_system, LocalFileSystem)


def list_landing(settings: Settings) -> Listing:
    """What is in the landing now. One unusual entry never hides the rest.

    Raises GoalpostError if the landing does not exist or cannot be listed.
    """
    with reading_errors(settings.landing, Exception):
        file_system, root = fsspec.url_to_fs(settings.landing)
        file_system.invalidate_cache()
        if not file_system.isdir(root):
            raise GoalpostError(
                f"There is no landing folder {settings.landing}: create it and put files into its folders "
                "<table>/, or set GOALPOST_LANDING to the one you mean."
            )
        is_local = isinstance(file_system, LocalFileSystem)
        most_bytes, vendors = settings.max_file_bytes, read_vendors(settings)
        files, ignored = (
            _list_local(root, vendors) if is_local else _list_remote(file_system, root, most_bytes, vendors)
        )
    return Listing(file_system, tuple(sorted(files)), tuple(sorted(ignored)))


def new_files(listing: Listing, known: Collection[tuple[str, str, str]]) -> list[LandedFile]:
    """The files whose (path, table, fingerprint) is not in the ledger, for one of its tables: only these must
    be hashed."""
    return [
        file
        for file in listing.files
        if any((file.path, table, file.fingerprint) not in known for table in file.tables)
    ]


@contextmanager
def reading_errors(place: str, kind: type[Exception]) -> Iterator[None]:
    """Turns an error of this kind into a GoalpostError that says what cannot be read. `kind` is OSError, or
    Exception, because object stores have their own errors."""
    try:
        yield
    except GoalpostError:
        raise
    except kind as error:
        raise GoalpostError(
            f"{place} cannot be read ({error}): check that it is there and that you may read it, "
            "then run again; what was loaded before stays."
        ) from error


@contextmanager
def reading_one_file(location: str) -> Iterator[None]:
    """Raises OSError if this one file cannot be read, GoalpostError if its file system cannot."""
    try:
        with reading_errors(location, Exception):
            yield
    except GoalpostError as error:
        if isinstance(error.__cause__, FileNotFoundError | PermissionError):
            raise error.__cause__ from None
        raise


def not_now(error: OSError) -> str:
    """The reason for ignoring an entry that the next run may be able to read."""
    if error.errno == errno.ENOENT:
        return "It was gone when the run tried to read it."
    return f"It cannot be read ({error.strerror or error}): the next run tries again."


@dataclass
class _LocalWalk:
    """Reads real folders first, then links, in the order of their names, so that the order on disk does not
    matter.

    Each folder is read once, and a link to something already read is ignored, because links can multiply one
    file without end. A link to something not yet read is followed, for example into a hidden folder.
    """

    root: str
    vendors: dict[str, Vendor]
    files: list[LandedFile] = field(default_factory=list)
    ignored: list[Ignored] = field(default_factory=list)
    folders: deque[str] = field(default_factory=deque)
    links: list[str] = field(default_factory=list)
    read: set[tuple[int, int]] = field(default_factory=set)  # device and inode of folders and files

    def run(self) -> None:
        self._look_into("", scan_errors_stop=True)
        while self.folders or self.links:
            while self.folders:
                self._look_into(self.folders.popleft())
            links, self.links = sorted(self.links), []
            for position, path in enumerate(links):
                self._follow(path)
                if self.folders:
                    self.links.extend(links[position + 1 :])
                    break

    def _look_into(self, folder: str, *, scan_errors_stop: bool = False) -> None:
        location = os.path.join(self.root, folder)
        try:
            status = os.stat(location)
            with os.scandir(location) as found:
                entries = sorted(found, key=lambda entry: entry.name)
        except OSError as error:
            if scan_errors_stop:
                raise
            return self._ignore(folder, not_now(error))
        if _identity(status) in self.read:
            return self._ignore(folder, "It is a link to a folder that is read already.")
        self.read.add(_identity(status))
        for entry in entries:
            path = f"{folder}/{entry.name}" if folder else entry.name
            reason = _reason_by_path(path)
            if reason:
                self._ignore(path, reason)
            elif entry.is_symlink():
                self.links.append(path)
            else:
                try:
                    self._sort_in(path, entry.stat(follow_symlinks=False))
                except OSError as error:
                    self._ignore(path, not_now(error))

    def _sort_in(self, path: str, status: os.stat_result) -> None:
        location = os.path.join(self.root, path)
        if stat.S_ISDIR(status.st_mode):
            if path in RAW_TABLES or path in self.vendors or "/" in path:
                self.folders.append(path)
            else:
                self._ignore(path, _unknown_folder(path, self.vendors))
        elif "/" not in path:
            self._ignore(path, NO_TABLE)
        elif not stat.S_ISREG(status.st_mode):
            self._ignore(path, f"It is {SPECIAL_FILES.get(stat.S_IFMT(status.st_mode), 'no file')}, no file.")
        elif not _format_of(path)[0]:
            self._ignore(path, NO_FORMAT)
        elif not os.access(location, os.R_OK, effective_ids=os.access in os.supports_effective_ids):
            self._ignore(path, not_now(PermissionError(errno.EACCES, os.strerror(errno.EACCES))))
        else:
            self.read.add(_identity(status))
            adapters, reason = _adapters_for(path, self.vendors)
            if reason is not None:
                return self._ignore(path, reason) if reason else None
            times = (status.st_mtime_ns, status.st_ctime_ns)
            fingerprint = _fingerprint(status.st_size, *times)
            self.files.append(
                LandedFile(path, location, status.st_size, fingerprint, status.st_mtime, adapters)
            )

    def _follow(self, path: str) -> None:
        location = os.path.join(self.root, path)
        try:
            target = os.path.realpath(location, strict=True)
            status = os.stat(location)
        except FileNotFoundError:
            return self._ignore(path, LEADS_NOWHERE)
        except OSError as error:
            return self._ignore(path, IN_A_CIRCLE if error.errno == errno.ELOOP else not_now(error))
        root = os.path.realpath(self.root)
        if not _is_below(target, root):
            return self._ignore(path, LEADS_OUT)
        if stat.S_ISDIR(status.st_mode):
            if _is_below(os.path.realpath(os.path.dirname(location)), target):
                return self._ignore(path, IN_A_CIRCLE)
        elif _identity(status) in self.read:
            return self._ignore(path, "It is a link to a file that is read already.")
        self._sort_in(path, status)

    def _ignore(self, path: str, reason: str) -> None:
        name = os.fsencode(path).decode("utf-8", "backslashreplace")
        self.ignored.append(Ignored(name, reason))


def _list_local(root: str, vendors: dict[str, Vendor]) -> tuple[list[LandedFile], list[Ignored]]:
    walk = _LocalWalk(root, vendors)
    walk.run()
    return walk.files, walk.ignored


def _list_remote(
    file_system: fsspec.AbstractFileSystem, root: str, most_bytes: int, vendors: dict[str, Vendor]
) -> tuple[list[LandedFile], set[Ignored]]:
    files: list[LandedFile] = []
    ignored: set[Ignored] = set()
    details_by_location = cast(dict[str, dict], file_system.find(root, detail=True))
    for location, details in details_by_location.items():
        path = location.removeprefix(root).lstrip("/")
        top = path.split("/")[0]
        if not path or path.endswith("/"):  # some object stores represent a folder this way
            continue
        if "/" in path and top not in RAW_TABLES and top not in vendors and not _reason_by_path(top):
            ignored.add(Ignored(top, _unknown_folder(top, vendors)))
        elif found := _first_ignored(path):
            ignored.add(found)
        elif "/" not in path:
            ignored.add(Ignored(path, NO_TABLE))
        elif not _format_of(path)[0]:
            ignored.add(Ignored(path, NO_FORMAT))
        elif (details["size"] or 0) > most_bytes:  # fetching it would be useless: it would be set aside
            reason = (
                f"It is larger than {most_bytes / 1e9:g} GB (GOALPOST_MAX_FILE_GB): land it in smaller files."
            )
            ignored.add(Ignored(path, reason))
        else:
            adapters, reason = _adapters_for(path, vendors)
            fingerprint = _fingerprint(*sorted(details.items()))
            if reason is None:
                files.append(LandedFile(path, location, details["size"], fingerprint, adapters=adapters))
            elif reason:
                ignored.add(Ignored(path, reason))
    return files, ignored


def _first_ignored(path: str) -> Ignored | None:
    """The outermost folder of a path, or the file itself, whose name makes it ignored."""
    for part in _with_parents(path):
        if reason := _reason_by_path(part):
            return Ignored(part, reason)
    return None


def _with_parents(path: str) -> Iterable[str]:
    parts = path.split("/")
    return ("/".join(parts[:length]) for length in range(1, len(parts) + 1))


def _reason_by_path(path: str) -> str | None:
    name = path.rpartition("/")[2]
    if name.startswith((".", "_")):
        return UNFINISHED
    try:
        path.encode()
    except UnicodeEncodeError:
        return "Its name is not UTF-8."
    return None


def _adapters_for(path: str, vendors: dict[str, Vendor]) -> tuple[tuple[Adapter, ...], str | None]:
    """The adapters that take the file, none for a table's own; and why it is ignored, empty if that is not
    worth a word, None if it is not ignored."""
    vendor = vendors.get(path.split("/")[0])
    if vendor is None:
        return (), None
    adapters = vendor.adapters_for(path)
    return adapters, vendor.why_not(path, adapters)


def _unknown_folder(name: str, vendors: dict[str, Vendor]) -> str:
    near = get_close_matches(name.lower(), [*RAW_TABLES, *vendors], n=1, cutoff=0.75)
    names = f"tables are {', '.join(RAW_TABLES)}; vendors are {', '.join(vendors)}."
    hint = f"did you mean {near[0]}?" if near else names
    return f"It is not a table's folder: {hint}"


def _format_of(path: str) -> tuple[str | None, str | None]:
    """Format and compression, by the suffixes; without a format, neither. A vendor's compressed file is JSON
    if its name does not say more."""
    suffixes = path.rpartition("/")[2].lower().split(".")[1:]
    if suffixes and suffixes[-1] in FORMATS:
        return FORMATS[suffixes[-1]], None
    if len(suffixes) > 1 and suffixes[-1] in COMPRESSIONS and suffixes[-2] in TEXT_FORMATS:
        return TEXT_FORMATS[suffixes[-2]], suffixes[-1]
    if suffixes and suffixes[-1] in COMPRESSIONS and path.split("/")[0] not in RAW_TABLES:
        return "json", suffixes[-1]
    return None, None


def _is_below(path: str, folder: str) -> bool:
    """Is the path the folder itself, or below it?"""
    return os.path.commonpath([path, folder]) == folder


def _identity(status: os.stat_result) -> tuple[int, int]:
    return status.st_dev, status.st_ino


def _fingerprint(*evidence: object) -> str:
    """A hash of everything that shows a change; an object store's details include an ETag or a version."""
    return hashlib.sha256(repr(evidence).encode()).hexdigest()
