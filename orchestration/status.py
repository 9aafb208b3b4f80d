"""What `goalpost status` prints: what landed and how fresh it is, what was left out, what the last run did.

Belongs here: reading it and laying it out. Does not: changing anything; it works before the first run and
while one is writing.
"""

import json
from contextlib import closing
from datetime import UTC, datetime

import duckdb
from rich.console import Console, Group
from rich.table import Table
from rich.text import Text

from orchestration.contract import RAW_TABLES
from orchestration.errors import GoalpostError
from orchestration.landing import list_landing
from orchestration.runs import one_line
from orchestration.settings import Settings
from orchestration.warehouse import WarehouseHeld, connect, single_writer

EXAMPLES = 20

LANDED = """
select table_name, count(*) as files, sum(rows)::bigint as rows, max(loaded_at) as last_loaded_at
from raw.files
where outcome = 'loaded'
group by table_name
"""

SET_ASIDE = """
select path, loaded_at, reason
from raw.files
where outcome = 'set_aside'
order by file_id desc
"""

LAST_RUN = """
select run_id, started_at, finished_at, as_of, outcome, is_full_refresh, files_loaded, message, figures
from control.runs
order by started_at desc
limit 1
"""

NOT_PASSED = """
select severity, suite || '.' || expectation, figures
from control.check_results
where run_id = ? and not success
order by severity, suite, expectation
"""


def show_status(settings: Settings, console: Console) -> None:
    for name, place in (
        ("Home", settings.home),
        ("Landing", settings.landing),
        ("Marts", settings.published),
    ):
        console.print(f"{name}: {place}", highlight=False, markup=False, soft_wrap=True)
    if settings.warehouse.exists():
        _show_warehouse(settings, console)
    else:
        console.print("Nothing has run yet: `goalpost run` loads what lies in the landing.")
    console.print(_published(settings), highlight=False)


def _show_warehouse(settings: Settings, console: Console) -> None:
    try:
        connection = connect(settings, read_only=True, wait_seconds=0)
    except WarehouseHeld as held:
        console.print(f"A run is writing just now: the rest is shown when it is done. {held}", style="yellow")
        return
    with closing(connection):
        for part in (_landed, _set_aside, _quarantined):
            console.print(part(connection), highlight=False, markup=False)
        last_run = _last_run(connection, is_writing=_is_writing(settings))
        console.print(last_run, highlight=False, markup=False, soft_wrap=True)
    for entry in list_landing(settings).ignored:
        ignored = Text(f"{entry.path} in the landing is ignored: {entry.reason}")
        console.print(ignored, style="yellow", soft_wrap=True)


def _is_writing(settings: Settings) -> bool:
    try:
        with single_writer(settings):
            return False
    except GoalpostError:
        return True


def _landed(connection: duckdb.DuckDBPyConnection) -> Table | Text:
    landed = {row[0]: row[1:] for row in connection.execute(LANDED).fetchall()}
    if not landed:
        return Text("\nNo file has been loaded.")
    table = _table("Landed", "table", "files>", "rows>", "last loaded", "newest moment in it")
    for name in RAW_TABLES:
        if name in landed:
            files, rows, last_loaded_at = landed[name]
            table.add_row(
                name, f"{files:,}", f"{rows:,}", _moment(last_loaded_at), _moment(_newest(connection, name))
            )
    return table


def _newest(connection: duckdb.DuckDBPyConnection, table: str) -> datetime | None:
    """By the first time in the contract: when it happened, was observed, sent or updated."""
    times = [column.name for column in RAW_TABLES[table].columns if column.type == "timestamp"]
    if (f"stg_{table}",) not in _tables(connection, "staging"):
        return None
    return connection.execute(f"select max({times[0]}) from staging.stg_{table}").fetchall()[0][0]


def _set_aside(connection: duckdb.DuckDBPyConnection) -> Table | Text:
    files = connection.execute(SET_ASIDE).fetchall()
    if not files:
        return Text("\nNo file is set aside.")
    table = _table("Set aside: repair and land again", "file", "since", "reason")
    for path, loaded_at, reason in files[:EXAMPLES]:
        table.add_row(path, _moment(loaded_at), reason)
    return _with_rest(table, len(files))


def _quarantined(connection: duckdb.DuckDBPyConnection) -> Table | Text:
    found = [
        (name, *row)
        for (name,) in _tables(connection, "quarantine")
        for row in connection.execute(
            "select reason_code, count(*), min_by((path, row_number, problem), (path, row_number)) "
            f'from quarantine."{name}" group by reason_code order by reason_code'
        ).fetchall()
    ]
    if not found:
        return Text("\nNo row is quarantined.")
    table = _table(
        "Quarantined: the rows are in quarantine.<table>", "table", "reason", "rows>", "for example"
    )
    for name, reason_code, rows, (path, row_number, problem) in found:
        table.add_row(
            name, reason_code, f"{rows:,}", f"{path}, row {row_number}" + (f": {problem}" if problem else "")
        )
    return table


def _last_run(connection: duckdb.DuckDBPyConnection, *, is_writing: bool) -> Group | Text:
    found = connection.execute(LAST_RUN).fetchone()
    if not found:
        return Text("\nNo run has started.")
    run_id, started_at, finished_at, as_of, outcome, is_full_refresh, files_loaded, message, figures = found
    figures = json.loads(figures) if figures else {}
    if outcome == "running" and not is_writing:
        outcome, message = "did not finish", "Its process is gone: start `goalpost run` again, it carries on."
    ended = f"to {_moment(finished_at)}" if finished_at else ""
    lines = [
        "",
        f"Last run: {outcome}, {_moment(started_at)} {ended}".rstrip()
        + (", full refresh" if is_full_refresh else ""),
        f"  counts until (as_of): {_moment(as_of)} UTC",
        f"  files loaded: {files_loaded if files_loaded is not None else 'not known'}",
        *(f"  {line}" for line in account_lines(figures)),
        *([f"  {message}"] if message else []),
    ]
    for severity, name, details in not_passed(connection, run_id):
        lines.append(f"  {'FAILED' if severity == 'critical' else 'warning'} {name}: {one_line(details)}")
    return Group(*(Text(line) for line in lines))


def not_passed(connection: duckdb.DuckDBPyConnection, run_id: str) -> list[tuple[str, str, str]]:
    """Severity, name and figures of each check of a run that did not pass."""
    return connection.execute(NOT_PASSED, [run_id]).fetchall()


def account_lines(figures: dict) -> list[str]:
    """The short account of a run, for its end and for its status."""
    lines = []
    landed_now = figures.get("landed_now")
    if landed_now is not None:
        by_table = ", ".join(f"{name} {rows:,}" for name, rows in landed_now.items())
        lines.append(
            f"landed in this run: {sum(landed_now.values()):,} rows" + (f" ({by_table})" if by_table else "")
        )
    rows = figures.get("rows")
    if rows:
        lines.append(
            "rows in all: {landed:,} landed = {staged:,} staged + {superseded:,} superseded "
            "+ {quarantined:,} quarantined".format(**{name: count or 0 for name, count in rows.items()})
        )
    checks = figures.get("checks")
    if checks:
        lines.append("checks: {passed} passed, {warned} warned, {failed} failed".format(**checks))
    return lines


def _published(settings: Settings) -> Table | Text:
    if not settings.published.exists():
        return Text("\nNothing is published yet.")
    with duckdb.connect(settings.published, read_only=True) as connection:
        marts = [
            (name, connection.execute(f'select count(*) from "{name}"').fetchall()[0][0])
            for (name,) in _tables(connection, "main")
        ]
    when = datetime.fromtimestamp(settings.published.stat().st_mtime, UTC)
    table = _table(f"Published {_moment(when)}", "mart", "rows>")
    for name, rows in marts:
        table.add_row(name, f"{rows:,}")
    return table


def _tables(connection: duckdb.DuckDBPyConnection, schema: str) -> list[tuple[str]]:
    return connection.execute(
        "select table_name from information_schema.tables where table_schema = ? order by table_name",
        [schema],
    ).fetchall()


def _table(title: str, *columns: str) -> Table:
    """A column whose name ends in > holds numbers."""
    table = Table(title=f"\n{title}", title_justify="left", title_style="bold", box=None, pad_edge=False)
    for column in columns:
        table.add_column(
            column.removesuffix(">"), justify="right" if column.endswith(">") else "left", overflow="fold"
        )
    return table


def _with_rest(table: Table, count: int) -> Table:
    if count > EXAMPLES:
        table.caption = f"and {count - EXAMPLES:,} more in raw.files"
    return table


def _moment(moment: datetime | None) -> str:
    return f"{moment:%Y-%m-%d %H:%M:%S}" if moment else "-"
