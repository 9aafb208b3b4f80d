"""`goalpost adapters …`: the command line for the adapters of vendors' files.

Belongs here: arguments and printing. Does not: what an adapter is (landing/vendors.py), loading a file
(landing/load.py).
"""

from pathlib import Path
from typing import Annotated

import duckdb
import typer

from orchestration.errors import GoalpostError
from orchestration.landing import vendors
from orchestration.landing.listing import LandedFile
from orchestration.landing.load import mapped_columns, open_rows, read_records
from orchestration.landing.vendors import Vendor, read_vendors
from orchestration.settings import Settings
from orchestration.terminal import console, say
from orchestration.warehouse import first_line

CHECKED_ROWS = 1000  # of a file that is checked
SHOWN_ROWS = 3

app = typer.Typer(no_args_is_help=True, help="Vendors' files that are read as they are: list, check.")


@app.command("list")
def list_command() -> None:
    """The vendors, the files of theirs that are read, and the tables that they become."""
    out = console()
    for vendor in read_vendors(Settings()).values():
        say(out, f"{vendor.name}: lands in <landing>/{vendor.name}/")
        for adapter in vendor.adapters:
            say(out, f"  {adapter.table.name}: {' '.join(adapter.patterns)}")
            say(out, f"    {adapter.source}")


@app.command("check")
def check_command(
    file: Annotated[
        Path, typer.Argument(help="A vendor's file, in a folder named like the vendor.", show_default=False)
    ],
) -> None:
    """Which adapters take a file, what they make of its first rows, which columns they do not know. Nothing
    is loaded."""
    from orchestration.landing.rows import UnreadableFile

    settings, out = Settings(), console()
    if not file.is_file():
        raise GoalpostError(f"There is no file {file}.")
    vendor, path = _vendor_of(file, read_vendors(settings))
    landed = LandedFile(path, str(file), file.stat().st_size, "", adapters=vendor.adapters_for(path))
    if (reason := vendor.why_not(path, landed.adapters)) is not None:
        say(
            out,
            f"{path} is not loaded: {reason or f'{vendors.NOT_NEEDED} says that it holds nothing for us.'}",
        )
        raise typer.Exit(1)
    if not landed.format:
        raise GoalpostError(f'{path} has no suffix that says its format (docs/landing.md, "Files").')
    rows = None
    with duckdb.connect() as connection:
        connection.execute("set timezone = 'UTC'")
        try:
            rows = open_rows(connection, landed, file, settings.max_file_bytes)
            names = read_records(connection, rows, path, most=CHECKED_ROWS)
        except (UnreadableFile, duckdb.Error) as error:
            fault = (rows.fault if rows else None) or error
            raise GoalpostError(f"{path} would be set aside: {fault}") from error
        [(read, bad)] = connection.execute(
            "select count(*), count(raw_record) from vendor_records"
        ).fetchall()
        say(out, f"{path}: {read:,} rows read" + (f", {bad:,} of them no JSON object" if bad else ""))
        for adapter in landed.adapters:
            _show(connection, adapter, path)
    if unknown := vendors.unknown_columns(landed.adapters, names):
        say(out, f"No SQL file names these columns: {', '.join(unknown)}", "yellow")
    else:
        say(out, "The SQL files name every column.")


def _show(connection: duckdb.DuckDBPyConnection, adapter: vendors.Adapter, path: str) -> None:
    """What an adapter makes of the rows that were read. Raises GoalpostError if it cannot map a value."""
    out, names = console(), [column.name for column in adapter.table.columns]
    try:
        found = connection.execute(
            f"select row_number, {mapped_columns(adapter, path)} from ({vendors.query(adapter.text)}) "
            "order by row_number"
        ).fetchall()
    except duckdb.Error as error:
        raise GoalpostError(
            f"{adapter.source} cannot map one of its values ({first_line(error)}): use try_cast or try()."
        ) from error
    say(out, f"{adapter.table.name} ({adapter}): {len(found):,} rows")
    for number, *values in found[:SHOWN_ROWS]:
        shown = [f"{name}={value}" for name, value in zip(names, values, strict=True) if value is not None]
        say(out, f"  row {number}: {', '.join(shown)}")
    for column in adapter.table.columns:
        missing = sum(row[1 + names.index(column.name)] is None for row in found)
        if column.required is True and missing:
            say(
                out,
                f"  {column.name} is missing in {missing:,} of them: these rows would be quarantined",
                "yellow",
            )


def _vendor_of(file: Path, known: dict[str, Vendor]) -> tuple[Vendor, str]:
    """The vendor, and the path from its folder on. Raises GoalpostError if no folder is named like one."""
    parts = file.absolute().parts
    for place, part in enumerate(parts[:-1]):
        if part in known:
            return known[part], "/".join(parts[place:])
    raise GoalpostError(
        f"{file} is in no vendor's folder: put it into one that is called {', '.join(known)}, or write an "
        "adapter (docs/feeds.md)."
    )
