"""What `goalpost status` prints: what landed and how fresh it is, what was left out, what the last run did.

Belongs here: reading it and laying it out. Does not: changing anything. It works before the first run and
while a run is writing.
"""

import json
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime
from typing import Any

import duckdb
from rich.console import Console, Group, RenderableType
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from orchestration import clock, publish_postgres
from orchestration.checks.suites import STEPS, read_suites
from orchestration.contract import RAW_TABLES
from orchestration.deep_check import last_deep_check
from orchestration.errors import GoalpostError
from orchestration.landing import list_landing
from orchestration.publish import published_contents
from orchestration.settings import Settings
from orchestration.terminal import say, table, text
from orchestration.warehouse import STILL_SET_ASIDE, WarehouseHeld, connect, writer

EXAMPLES = 20

# In these tables each faulty row has its own entry: a person must repair a definition that does not count.
DEFINITIONS = {
    "goals": "goal_id",
    "segments": "segment_id",
    "funnels": "funnel_id",
    "experiments": "experiment_id",
    "sources": "source_id",
    "workspaces": "workspace_id",
}

LANDED = """
select table_name, count(*) as files, sum(rows)::bigint as rows, max(loaded_at) as last_loaded_at
from raw.files
where outcome = 'loaded'
group by table_name
"""

LAST_RUN = """
select run_id, started_at, finished_at, as_of, outcome, is_full_refresh, files_loaded, message, figures
from control.runs
order by started_at desc
limit 1
"""

# Of the last run that published: the marts that it changed, and how many it did not.
CHANGED = """
with last as (
    select run_id, finished_at from control.runs where outcome = 'succeeded' order by started_at desc limit 1
)
select finished_at, mart, rows_added, rows_removed, rows_changed, first_day
from last left join control.mart_changes using (run_id)
order by mart
"""

NOT_PASSED = """
select severity, suite || '.' || expectation, figures
from control.check_results
where run_id = ? and not success
order by severity, suite, expectation
"""


def show_status(settings: Settings, out: Console) -> None:
    """Print the status without waiting: if a run has the warehouse open, say so and show what is published.

    Raises GoalpostError if the warehouse cannot be opened for another reason, or the pin of the clock cannot
    be read; lets duckdb.Error pass.
    """
    connection, held = _open(settings)
    settings_of_run, remark = _landing(settings, connection)
    for name, place in (
        ("Home", settings.home),
        ("Landing", f"{settings_of_run.landing}{remark}"),
        ("Marts", settings.published),
    ):
        say(out, f"{name}: {place}")
    if pinned := clock.sentence(settings):
        say(out, pinned)
    if connection:
        with closing(connection):
            _show_warehouse(connection, settings_of_run, out)
    elif held:
        say(out, _while_writing(settings, held), "yellow")
    else:
        say(out, "Nothing has run yet: `goalpost run` loads the files in the landing.")
    out.print(_published(settings))
    if settings.postgres_url and settings.published.exists():
        _show_postgres(settings, out)


def _open(settings: Settings) -> tuple[duckdb.DuckDBPyConnection | None, WarehouseHeld | None]:
    if not settings.warehouse.exists():
        return None, None
    try:
        return connect(settings, read_only=True, wait_seconds=0), None
    except WarehouseHeld as held:
        return None, held


def _landing(settings: Settings, connection: duckdb.DuckDBPyConnection | None) -> tuple[Settings, str]:
    """The settings with the landing of the last run, and a remark if `settings` have another landing."""
    found = connection.execute(LAST_RUN).fetchone() if connection else None
    last = json.loads(found[-1] or "{}").get("landing") if found else None
    if last in (None, settings.landing):
        return settings, ""
    return (
        settings.model_copy(update={"landing": last}),
        f" (the landing of the last run; a run without --landing reads {settings.landing})",
    )


def _while_writing(settings: Settings, held: WarehouseHeld) -> str:
    """Who has the warehouse open, so that it cannot be read: a run, or another process."""
    holder = writer(settings)
    if holder is None:
        return f"{held} `goalpost status` shows what landed and what the last run did when it is released."
    return (
        f"A run is writing just now ({holder}). When it is done, `goalpost status` shows what landed, what "
        "is set aside and what the run did. Until then the marts below are valid."
    )


def _show_warehouse(connection: duckdb.DuckDBPyConnection, settings: Settings, out: Console) -> None:
    for part in (_landed, _set_aside, _quarantined):
        out.print(part(connection))
    holder = writer(settings)
    if holder:
        out.print()
        say(out, f"A run is writing just now ({holder}).", "yellow")
    out.print(_last_run(connection, is_writing=holder is not None))
    out.print(_changed(connection))
    if checked := last_deep_check(settings):
        out.print()
        say(out, checked.sentence or f"Deep check {_moment(checked.checked_at)}: no difference.")
    try:
        ignored = list_landing(settings).ignored
    except GoalpostError as error:
        say(out, str(error), "yellow")
        return
    for entry in ignored:
        say(out, f"{entry.path} in the landing is ignored: {entry.reason}", "yellow")


def show_ledger(connection: duckdb.DuckDBPyConnection, out: Console, *, is_writing: bool) -> None:
    """What landed, what is set aside, the last run and its checks. Lets duckdb.Error pass."""
    out.print(_landed(connection))
    out.print(_set_aside(connection))
    out.print(_last_run(connection, is_writing=is_writing))


def show_left_out(connection: duckdb.DuckDBPyConnection, out: Console) -> None:
    """What does not count: files set aside, rows in quarantine. Lets duckdb.Error pass."""
    for part in (_set_aside, _quarantined):
        out.print(part(connection))


def _landed(connection: duckdb.DuckDBPyConnection) -> RenderableType:
    landed = {row[0]: row[1:] for row in connection.execute(LANDED).fetchall()}
    if not landed:
        return Text("\nNo file has been loaded.")
    shown = table("table", "files>", "rows>", "last loaded", "newest moment in it")
    for name in RAW_TABLES:
        if name in landed:
            files, rows, last_loaded_at = landed[name]
            shown.add_row(
                name, f"{files:,}", f"{rows:,}", _moment(last_loaded_at), _moment(_newest(connection, name))
            )
    return _titled("Landed", shown)


def _newest(connection: duckdb.DuckDBPyConnection, name: str) -> datetime | None:
    """The newest value of the table's first time column in the contract: when a row happened, was observed,
    sent or updated."""
    times = [column.name for column in RAW_TABLES[name].columns if column.type == "timestamp"]
    if (f"stg_{name}",) not in _tables(connection, "staging"):
        return None
    return connection.execute(f"select max({times[0]}) from staging.stg_{name}").fetchall()[0][0]


def _set_aside(connection: duckdb.DuckDBPyConnection) -> RenderableType:
    files = connection.execute(STILL_SET_ASIDE).fetchall()
    if not files:
        return Text("\nNo file is set aside.")
    return _list(
        "Set aside: repair and land again",
        [(f"{path}, since {_moment(loaded_at)}", reason) for path, loaded_at, reason in files],
        "in raw.files",
    )


def _quarantined(connection: duckdb.DuckDBPyConnection) -> RenderableType:
    return quarantined(
        [line for (name,) in _tables(connection, "quarantine") for line in _quarantine(connection, name)]
    )


def quarantined(found: list[tuple[str, str]]) -> RenderableType:
    """The rows in quarantine: what, and an example."""
    if not found:
        return Text("\nNo row is quarantined.")
    return _list("Quarantined: the rows are in quarantine.<table>", found, "there")


def _quarantine(connection: duckdb.DuckDBPyConnection, name: str) -> Iterator[tuple[str, str]]:
    """One entry per reason; for definitions, one per reason and definition, with its id."""
    own_id = DEFINITIONS.get(name)
    has_ids = own_id and {own_id, "workspace_id"} <= set(_columns(connection, "quarantine", name))
    which = f"workspace_id, {own_id}" if has_ids else "null, null"
    rows = connection.execute(
        f"select reason_code, {which}, count(*), min_by((path, row_number, problem), (path, row_number)) "
        f'from quarantine."{name}" group by all order by all'
    ).fetchall()
    for reason_code, workspace_id, id_, count, (path, row_number, problem) in rows:
        kind = name.removesuffix("s")
        of = f" of workspace '{workspace_id}'" if workspace_id and kind != "workspace" else ""
        which = f", {kind} '{id_}'{of}" if id_ else ""
        example = "" if count == 1 else "for example "
        yield (
            f"{name}: {reason_code}, {count:,} row{'' if count == 1 else 's'}{which}",
            f"{example}{path}, row {row_number}" + (f": {problem}" if problem else ""),
        )


def _last_run(connection: duckdb.DuckDBPyConnection, *, is_writing: bool) -> RenderableType:
    found = connection.execute(LAST_RUN).fetchone()
    if not found:
        return Text("\nNo run has started.")
    run_id, started_at, finished_at, as_of, outcome, is_full_refresh, files_loaded, message, written = found
    figures = json.loads(written or "{}")
    if outcome == "running" and not is_writing:
        outcome, message = "did not finish", "Its process is gone: start `goalpost run` again, it carries on."
    ended = f"to {_moment(finished_at)}" if finished_at else ""
    lines = [
        f"Last run: {outcome}, {_moment(started_at)} {ended}".rstrip()
        + (", full refresh" if is_full_refresh else ""),
        f"  counts until (as_of): {_moment(as_of)} UTC",
        f"  files loaded: {files_loaded if files_loaded is not None else 'not known'}",
        *(f"  {line}" for line in account_lines(figures)),
        *([f"  {message}"] if message else []),
    ]
    found_wrong = [
        line
        for severity, name, details in not_passed(connection, run_id)
        for line in _of_a_check(severity, name, json.loads(details or "{}"))
    ]
    return Group(Text(), *(_indented(line) for line in lines), *found_wrong)


def _changed(connection: duckdb.DuckDBPyConnection) -> RenderableType:
    """What readers see differently since the last publication."""
    if ("mart_changes",) not in _tables(connection, "control"):  # an older Goalpost
        return Group()
    rows = connection.execute(CHANGED).fetchall()
    if not rows:
        return Group()
    title = f"What the run published {_moment(rows[0][0])} changed"
    if rows[0][1] is None:
        return Group(Text(f"\n{title}: not known, the publication before could not be read."))
    changed = [row[1:] for row in rows if any(row[2:5])]
    if not changed:
        return Group(Text(f"\n{title}: nothing."))
    shown = table("mart", "added>", "removed>", "changed>", "first day")
    for mart, *counts, first_day in changed:
        shown.add_row(mart, *(f"{count:,}" for count in counts), str(first_day or "-"))
    return _titled(f"{title} (of {len(rows)} marts, {len(rows) - len(changed)} are the same)", shown)


def _indented(line: str) -> RenderableType:
    """The line with its indent, kept if the line wraps."""
    words = line.lstrip(" ")
    return Padding(text(words), (0, 0, 0, len(line) - len(words)), expand=False)


def _of_a_check(severity: str, name: str, figures: dict[str, Any]) -> Iterator[RenderableType]:
    """What a check found, in words, and what the rule is for."""
    word = "FAILED" if severity == "critical" else "warning"
    yield Padding(text(f"{word} {name}: {_finding(figures)}"), (0, 0, 0, 2), expand=False)
    for line in (_purpose(name), *_examples(figures)):
        if line:
            yield Padding(text(line), (0, 0, 0, 4), expand=False)


def _finding(figures: dict[str, Any]) -> str:
    if "error" in figures:
        return f"it could not be checked: {figures['error']}"
    wrong, all_ = figures.get("unexpected_count"), figures.get("element_count")
    if wrong is not None:
        return f"{wrong:,}{f' of {all_:,}' if all_ else ''} values are not as they should be"
    found = figures.get("observed_value")
    if isinstance(found, int):
        return f"{found:,} found, none expected"
    return "not as expected" if found is None else f"not as expected, found {_value(found)}"


def _purpose(name: str) -> str:
    suite, _, rule = name.rpartition(".")
    return next(
        (
            item.notes
            for step in STEPS
            for each in read_suites(step)
            for item in each.expectations
            if (each.name, item.name) == (suite, rule)
        ),
        "",
    )


def _examples(figures: dict[str, Any]) -> Iterator[str]:
    """Example values, shown only here, to the owner of the home: no log contains them."""
    for number, example in enumerate(figures.get("examples") or ()):
        yield f"{'for example' if number == 0 else 'and'} {_value(example)}"


def _value(value: Any) -> str:
    if isinstance(value, dict):
        return ", ".join(f"{name} {_value(each)}" for name, each in value.items())
    if isinstance(value, list):
        return ", ".join(map(_value, value)) or "nothing"
    return "missing" if value is None else str(value).lower() if isinstance(value, bool) else str(value)


def not_passed(connection: duckdb.DuckDBPyConnection, run_id: str) -> list[tuple[str, str, str]]:
    """Severity, name and figures of each check of a run that did not pass. Lets duckdb.Error pass."""
    return connection.execute(NOT_PASSED, [run_id]).fetchall()


def account_lines(figures: dict) -> list[str]:
    """The short summary of a run, for the end of the run and for its status."""
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


def _published(settings: Settings) -> RenderableType:
    if not settings.published.exists():
        return Text("\nNothing is published yet.")
    try:
        with duckdb.connect(settings.published, read_only=True) as connection:
            marts = [
                (name, connection.execute(f'select count(*) from "{name}"').fetchall()[0][0])
                for (name,) in _tables(connection, "main")
            ]
            until = (
                connection.execute("select as_of from control.publication").fetchall()
                if ("publication",) in _tables(connection, "control")
                else []
            )
    except duckdb.Error as error:
        return text(f"{settings.published} cannot be read ({str(error).splitlines()[0]}).", "yellow")
    when = datetime.fromtimestamp(settings.published.stat().st_mtime, UTC)
    shown = table("mart", "rows>")
    for name, rows in marts:
        shown.add_row(name, f"{rows:,}")
    as_of = f", counts until {_moment(until[0][0])}" if until else ""
    return _titled(f"Published {_moment(when)}{as_of}", shown)


def _show_postgres(settings: Settings, out: Console) -> None:
    out.print()
    try:
        lacking = publish_postgres.behind(settings, published_contents(settings))
    except GoalpostError as error:
        say(out, str(error), "yellow")
        return
    if lacking:
        say(out, f"PostgreSQL is behind: {lacking}. The next `goalpost run` writes it.", "yellow")
    else:
        say(out, f"PostgreSQL ({publish_postgres.place(settings)}) has the same marts.")


def _tables(connection: duckdb.DuckDBPyConnection, schema: str) -> list[tuple[str]]:
    return connection.execute(
        "select table_name from information_schema.tables where table_schema = ? order by table_name",
        [schema],
    ).fetchall()


def _columns(connection: duckdb.DuckDBPyConnection, schema: str, name: str) -> list[str]:
    found = connection.execute(
        "select column_name from information_schema.columns where table_schema = ? and table_name = ?",
        [schema, name],
    ).fetchall()
    return [column for (column,) in found]


def _list(title: str, entries: list[tuple[str, str]], rest: str) -> Group:
    """Each entry and, below it, the reason: sentences of any length, at any width."""
    lines: list[RenderableType] = [Text(f"\n{title}", "bold")]
    for what, why in entries[:EXAMPLES]:
        lines += [
            Padding(text(what), (0, 0, 0, 2), expand=False),
            Padding(text(why), (0, 0, 0, 4), expand=False),
        ]
    if len(entries) > EXAMPLES:
        lines.append(Text(f"  and {len(entries) - EXAMPLES:,} more {rest}"))
    return Group(*lines)


def _titled(title: str, shown: Table) -> Group:
    return Group(Text(f"\n{title}", "bold"), shown)


def _moment(moment: datetime | None) -> str:
    return f"{moment:%Y-%m-%d %H:%M:%S}" if moment else "-"
