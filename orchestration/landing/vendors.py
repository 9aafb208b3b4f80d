"""Adapters: how the files that a vendor exports become rows of the raw tables.

Belongs here: finding and checking the adapters, which of them take a file, and the query that one makes. Does
not: reading a file (rows.py and its formats), loading it (load.py).

A vendor is a folder of SQL files, one per raw table; docs/feeds.md says how to write one:

    -- files: metrics_v*.parquet
    select field(record, 'event_id') as engagement_id, … from file
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from fnmatch import fnmatchcase
from functools import cache, cached_property
from pathlib import Path

import duckdb

from orchestration.contract import RAW_TABLES, RawTable
from orchestration.errors import GoalpostError
from orchestration.settings import PROJECT_ROOT, Settings
from orchestration.warehouse import first_line, literal

BUILT_IN = PROJECT_ROOT / "orchestration" / "landing" / "adapters"
NOT_NEEDED = "not_needed.txt"  # in a vendor's folder: patterns of files that hold nothing for us

BEGIN_OF_SELECT = re.compile(r"\A((?:\s|--[^\n]*(?:\n|\Z))*)select\b", re.IGNORECASE)
PATTERNS = re.compile(r"^--[ \t]*files:(.*)$", re.IGNORECASE | re.MULTILINE)

# What SQL files may use besides DuckDB's own functions.
MACROS = r"""
-- A field of the record as text; null if it is missing. Nested: a path such as $.context.ip.
create or replace temp macro field(record, name) as json_extract_string(record, name);

-- Unix seconds, milliseconds or microseconds, or ISO text, as ISO text. The zero of a clock is no time, so
-- null: 0 and less, and the first moments of 1970 and of the year 1. Any other text stays, and the row is
-- judged by it. (Doubles are exact here until the year 2255. Casting to a decimal, and try(), take a hundred
-- times as long.)
create or replace temp macro moment(value) as case
    when regexp_full_match(value, '(1970|0001)-01-01([T ]00:00(:00([.]0*)?)?)?(Z|[+-]00(:?00)?)?') then null
    when regexp_full_match(value, '-[0-9]+([.][0-9]*)?|0+([.]0*)?') then null
    when not regexp_full_match(value, '[0-9]{1,17}([.][0-9]*)?') then value
    else strftime(
        make_timestamp(cast(round(cast(value as double) * case
            when cast(value as double) < 1e11 then 1000000
            when cast(value as double) < 1e14 then 1000
            else 1
        end) as bigint)),
        '%Y-%m-%dT%H:%M:%S.%f'
    )
end;

-- The value of a folder of the file's path: x of event_type=x/.
create or replace temp macro folder(path, name) as
    nullif(regexp_extract(path, '(?:^|/)' || name || '=([^/]*)/', 1), '');
"""


@dataclass(frozen=True)
class Adapter:
    """A SQL file."""

    vendor: str
    source: Path
    text: str
    table: RawTable
    patterns: tuple[str, ...]
    columns: tuple[str, ...]  # those of the table that its query makes

    def takes(self, path: str) -> bool:
        """`path`: below the vendor's folder."""
        return any(_matches(path, pattern) for pattern in self.patterns)

    def __str__(self) -> str:
        return f"{self.vendor}/{self.source.name}"


@dataclass(frozen=True)
class Vendor:
    """A folder of SQL files, which are read and checked when a file first needs them."""

    name: str
    files: tuple[Path, ...]

    @cached_property
    def adapters(self) -> tuple[Adapter, ...]:
        """In the order of their names. Raises GoalpostError, which names the file, if one is wrong."""
        sources = [source for source in self.files if source.suffix == ".sql"]
        if not sources:
            raise GoalpostError(f"The vendor {self.name} has no SQL file: write one (docs/feeds.md).")
        return tuple(_read(self.name, source) for source in sources)

    @cached_property
    def not_needed(self) -> tuple[str, ...]:
        texts = [file.read_text() for file in self.files if file.name == NOT_NEEDED]
        lines = [line.partition("#")[0].strip() for text in texts for line in text.splitlines()]
        return tuple(filter(None, lines))

    def adapters_for(self, path: str) -> tuple[Adapter, ...]:
        """Those that take the file. `path`: in the landing. Raises GoalpostError, also if two of them make
        rows of one table."""
        below = path.partition("/")[2]
        if self.needs_not(below):
            return ()
        found = tuple(adapter for adapter in self.adapters if adapter.takes(below))
        names = [adapter.table.name for adapter in found]
        if twice := {name for name in names if names.count(name) > 1}:
            both = " and ".join(str(adapter.source) for adapter in found if adapter.table.name in twice)
            raise GoalpostError(f"{both} both take {path}: one SQL file per table may take a file.")
        return found

    def needs_not(self, below: str) -> bool:
        return any(_matches(below, pattern) for pattern in self.not_needed)

    def why_not(self, path: str, adapters: tuple[Adapter, ...]) -> str | None:
        """Why a file is ignored, in a sentence; empty if it is not worth a word. None: it is not."""
        if not adapters:
            if self.needs_not(path.partition("/")[2]):
                return ""
            return (
                f"No adapter of {self.name} takes a file of this name: "
                "`goalpost adapters list` shows which they take."
            )
        if not workspace_of(path) and not all("workspace_id" in adapter.columns for adapter in adapters):
            return f"Its rows name no workspace: land it in {self.name}/workspace=<id>/."
        return None


def read_vendors(settings: Settings) -> dict[str, Vendor]:
    """By name: ours, and those in the folder GOALPOST_ADAPTERS, whose files count instead of ours of the same
    name.

    Raises GoalpostError if that folder cannot be listed, or a vendor is called like a table.
    """
    files: dict[str, dict[str, Path]] = {}
    for root in filter(None, (BUILT_IN, settings.adapters)):
        try:
            found = [
                file
                for folder in sorted(root.iterdir())
                if folder.is_dir()
                for file in sorted(folder.iterdir())
            ]
        except OSError as error:
            raise GoalpostError(
                f"The adapters in {root} cannot be listed ({error.strerror}): check GOALPOST_ADAPTERS."
            ) from error
        for file in found:
            files.setdefault(file.parent.name, {})[file.name] = file
    if wrong := sorted(files.keys() & RAW_TABLES.keys()):
        raise GoalpostError(f"A vendor cannot be called {wrong[0]}, because a table is: rename its folder.")
    return {name: Vendor(name, tuple(named[file] for file in sorted(named))) for name, named in files.items()}


def workspace_of(path: str) -> str | None:
    """The workspace that a folder of the path names."""
    found = re.search("(?:^|/)workspace=([^/]+)/", path)
    return found[1] if found else None


def query(text: str) -> str:
    """The query of a SQL file, of the relation `file`, with row_number and record before its columns."""
    statement = text.strip().removesuffix(";")
    return BEGIN_OF_SELECT.sub(r"\1select row_number, record,", statement, count=1)


def unknown_columns(adapters: Iterable[Adapter], names: Iterable[str]) -> list[str]:
    """The names of a file's columns that stand nowhere in the SQL files, also not in a comment."""
    text = "\n".join(adapter.text for adapter in adapters)
    return [name for name in names if not re.search(rf"(?<!\w){re.escape(name)}(?!\w)", text)]


def rows_of_file(path: str) -> str:
    """SQL: the relation that adapters read, of the records in the table `vendor_records`."""
    return (
        f"create or replace temp view file as select row_number, record, {literal(path)} as path "
        "from vendor_records where raw_record is null"
    )


def _read(vendor: str, source: Path) -> Adapter:
    text = source.read_text()
    name = source.name.split(".")[0]
    if name not in RAW_TABLES:
        raise GoalpostError(
            f"{source} is named like no table: its name, up to the first dot, must be one of "
            f"{', '.join(RAW_TABLES)}."
        )
    patterns = tuple(pattern for line in PATTERNS.findall(text) for pattern in line.split())
    if not patterns:
        raise GoalpostError(
            f"{source} does not say which files it takes: begin it with '-- files: <pattern>'."
        )
    if not BEGIN_OF_SELECT.match(text):
        raise GoalpostError(f"{source} is no plain select: after its comments it must begin with 'select'.")
    table = RAW_TABLES[name]
    try:
        columns = _columns(text)
    except duckdb.Error as error:
        raise GoalpostError(f"{source} cannot be read as SQL ({first_line(error)}).") from error
    known = [column.name for column in table.columns]
    if unknown := [column for column in columns if column not in known]:
        raise GoalpostError(
            f"{source} makes a column {unknown[0]}, which {table.name} has not: its columns are "
            f"{', '.join(known)}."
        )
    required = [column.name for column in table.columns if column.required is True]
    if missing := [column for column in required if column not in (*columns, "workspace_id")]:
        raise GoalpostError(
            f"{source} makes no column {' and no column '.join(missing)}, which {table.name} requires."
        )
    return Adapter(vendor, source, text, table, patterns, columns)


@cache
def _columns(text: str) -> tuple[str, ...]:
    """The columns that a SQL file makes. Lets duckdb.Error pass. (The sensor asks every few seconds.)"""
    with duckdb.connect() as connection:
        connection.execute(MACROS)
        connection.execute("create temp table file (row_number bigint, record varchar, path varchar)")
        described = connection.execute(f"describe {query(text)}").fetchall()
    return tuple(column for column, *_ in described[2:])


def _matches(path: str, pattern: str) -> bool:
    """A pattern with / is of the path, any other of the file's name; upper and lower case are the same."""
    whole = path if "/" in pattern else path.rpartition("/")[2]
    return fnmatchcase(whole.lower(), pattern.lower())
