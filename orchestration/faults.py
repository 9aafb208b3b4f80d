"""Accidents: what a full disk, or a broken or lost file, means, in a sentence that says what to do.

Belongs here: finding which accident caused an error, from any library, and which file it concerns.
Does not: preventing it, or repairing what can be repaired before a run starts (warehouse.mend).
"""

import errno
import os
import re
import shutil
from contextlib import closing, suppress
from pathlib import Path

import duckdb

from orchestration.settings import Settings
from orchestration.warehouse import NEWER_DUCKDB, literal, newer_duckdb, set_marts_aside, writer

FULL = re.compile(
    r"No space left on device|database or disk is full|Disk quota exceeded|File too large"
    r"|failed to offload data block|Could not write all bytes"
)
NO_RIGHT = re.compile(r"Read-only file system|Permission denied|readonly database|Operation not permitted")
FAILING = re.compile(
    r"Input/output error|disk I/O error|Stale file handle|Transport endpoint is not connected|No such device"
)
BROKEN = re.compile(
    r"Corrupt|checksum|not a valid DuckDB database|Could not read enough bytes|replaying WAL"
    r"|database has been invalidated|Serialization Error|INTERNAL Error"
)
HELD = re.compile(r"Could not set lock on file.*?(?:\(PID (\d+)\)|$)")
HISTORY = re.compile(
    r"sqlite3?\b|sqlalchemy|psycopg2|DagsterPostgres|malformed|file is not a database", re.IGNORECASE
)


def told(error: BaseException | str, settings: Settings) -> str | None:
    """The sentence for an error; None if no accident known here caused it."""
    text = str(error) if isinstance(error, str) else f"{type(error).__module__}: {error}"
    place = _place(error, text)
    if FULL.search(text) or _number(error) in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG):
        return _full(place or settings.home)
    if NO_RIGHT.search(text) or _number(error) in (errno.EROFS, errno.EACCES, errno.EPERM):
        return (
            f"{place or settings.home} cannot be written or read ({_short(error)}): give this user "
            "permission, or set GOALPOST_HOME to another folder, and try again."
        )
    if FAILING.search(text):
        return (
            f"The disk of {place or settings.home} fails, or is full ({_short(error)}): check that it is "
            "mounted and works, then `goalpost run` again; it carries on."
        )
    if found := HELD.search(text):
        who = f"process {found[1]}" if found[1] else "another process"
        return (
            f"{place or settings.warehouse} is held by {who}, which reads it, and was not released within a "
            "minute: close it there (read marts.duckdb instead), then `goalpost run` again; it carries on."
        )
    if NEWER_DUCKDB in text:
        return newer_duckdb(place or settings.warehouse)
    if BROKEN.search(text):
        return _broken(settings, place, _short(error))
    if isinstance(error, OSError) and place and place.is_relative_to(settings.home):
        return f"{place} cannot be used ({error.strerror}): move it away, then try again."
    if HISTORY.search(text) and settings.dagster_postgres_url:
        return history_unreachable(_short(error))
    if HISTORY.search(text):
        return (
            f"Dagster's history in {settings.dagster_home} is broken ({_short(error)}): move that folder "
            "away, then `goalpost run` again; it holds only the history, and a new one is created."
        )
    return None


def history_unreachable(why: str) -> str:
    return (
        f"Dagster's history in PostgreSQL cannot be used ({' '.join(why.split())}): see that the server "
        "runs, and that GOALPOST_DAGSTER_POSTGRES_URL names it, then try again; no figure is lost."
    )


def _full(place: Path) -> str:
    free = ""
    with suppress(OSError):
        folder = next(folder for folder in (place, *place.parents) if folder.is_dir())
        free = f" ({shutil.disk_usage(folder).free / 1e6:,.0f} MB free)"
    return (
        f"The disk is full, {place} could not be written{free}: make room, then `goalpost run` again; "
        "it carries on. What was published before is still there."
    )


def _broken(settings: Settings, place: Path | None, why: str) -> str | None:
    """The sentence for a broken file. DuckDB reports an overwritten block without its file, so this reads all
    files until it finds the broken one."""
    if (
        place in (settings.published, None)
        and settings.published.exists()
        and not _is_whole(settings.published)
    ):
        return (
            f"The published {settings.published} is broken ({why}): `goalpost run` publishes it again, "
            "from the warehouse."
        )
    for path in (settings.warehouse_marts, settings.warehouse):
        if path.exists() and not _is_whole(path):
            break
    else:
        return None
    if path == settings.warehouse:
        return (
            f"The warehouse {path} is broken ({why}): put {path.name} and {settings.warehouse_marts.name} "
            "back from a copy, or move them away and let `goalpost run` load the whole landing again."
        )
    if writer(settings) and (aside := set_marts_aside(settings)):
        return (
            f"The marts of the warehouse, {path}, were broken ({why}) and are moved to {aside}: start "
            "`goalpost run` again, it rebuilds them. What was published before is still there."
        )
    return f"The marts of the warehouse, {path}, are broken ({why}): `goalpost run` rebuilds them."


def _is_whole(path: Path) -> bool:
    """Can every value of every table be read?"""
    try:
        with closing(duckdb.connect()) as connection:
            connection.execute(f"attach {literal(path)} as read (read_only)")
            tables = connection.execute(
                "select schema_name, table_name from duckdb_tables() where database_name = 'read'"
            ).fetchall()
            for schema, table in tables:
                connection.execute(
                    f'select sum(hash(t)::hugeint) from read."{schema}"."{table}" as t'
                ).fetchall()
    except duckdb.Error as error:  # a file that another process holds is not broken
        return not BROKEN.search(str(error))
    return True


def _place(error: BaseException | str, text: str) -> Path | None:
    named = getattr(error, "filename2", None) or getattr(error, "filename", None)
    if isinstance(named, str | os.PathLike) and str(named):
        return Path(named)
    found = re.search(r"file \"(/[^\"]+)\"", text) or re.search(r"'(/[^']+)'", text)
    return Path(found[1]) if found else None


def _number(error: BaseException | str) -> int | None:
    return error.errno if isinstance(error, OSError) else None


def _short(error: BaseException | str) -> str:
    if isinstance(error, OSError) and error.strerror:
        return error.strerror
    first, *_ = re.sub(r"^[\w.]+: (?=\w+ Error: )", "", str(error).strip()).splitlines()
    return first.rstrip(".!")[:200]
