"""Two states of the marts, compared row for row: which rows were added, removed or changed.

Belongs here: the comparison, and what a run changes of what readers see. Does not: which parts of a mart need
no comparison (publish.py), keeping what was found (ops.py), or the comparison with marts that were built from
scratch (deep_check.py).

A row is compared by a 64-bit hash of its values, as `except all` in both directions would: if a row is there
twice in one state and once in the other, that is a difference.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from pathlib import Path

import duckdb

from orchestration.months import day_of, quoted, time_column
from orchestration.warehouse import literal

Columns = Sequence[tuple[str, str, bool]]  # name, type, may it be null


@dataclass(frozen=True)
class Change:
    mart: str
    added: int
    removed: int
    changed: int
    first_day: date | None  # None: nothing changed, or the mart has no day


@dataclass(frozen=True)
class Rows:
    """What is known of the rows of marts. `keys`: the columns that name a row; without them, a row that
    changed counts as one removed and one added. `moments`: the moment of a row (`recompute_from`).
    `can_change`: the condition over `kept` for the rows that the run can have changed; without it, any."""

    keys: Mapping[str, Sequence[str]]
    moments: Mapping[str, str]
    can_change: Mapping[str, str]


def find_changes(
    connection: duckdb.DuckDBPyConnection,
    before: Path | None,
    rows: Rows,
    months: Mapping[str, Collection[datetime | None]] | None,
) -> list[Change] | None:
    """What changed in each mart since it was published in this file (None: nothing was); None if the file
    cannot be opened.

    `months`: by mart, the months that differ (None: the mart has no months); a mart that is not in it is the
    same. Without `months`, everything is compared. Lets duckdb.Error pass."""
    file = f"{literal(before)} as before (read_only)" if before else "':memory:' as before (read_write)"
    try:
        connection.execute(f"attach {file}")
    except duckdb.Error:
        return None
    try:
        [(is_everything,)] = connection.execute(
            "select bool_or(is_everything) from control.increment"
        ).fetchall()
        if is_everything:  # also if no run before had any file: then nobody in particular is affected
            rows = replace(rows, can_change={})
        old, new = mart_columns(connection, "before"), mart_columns(connection, "marts")
        return [
            _change(connection, mart, old.get(mart), new.get(mart), rows, months)
            for mart in sorted(old.keys() | new.keys())
        ]
    finally:
        connection.execute("detach before")


def _change(
    connection: duckdb.DuckDBPyConnection,
    mart: str,
    old: Columns | None,
    new: Columns | None,
    rows: Rows,
    months: Mapping[str, Collection[datetime | None]] | None,
) -> Change:
    if months is not None and not months.get(mart):
        return Change(mart, 0, 0, 0, None)
    if old and new:
        differing_months = months[mart] if months else ()
        try:
            return _difference(connection, mart, old, new, rows, differing_months)
        except duckdb.BinderException:  # a column of its key, or its moment, is new: no row is the same
            pass
    removed, first = _count(connection, "before", mart, old)
    added, first_day = _count(connection, "marts", mart, new)
    return Change(mart, added, removed, 0, min((day for day in (first, first_day) if day), default=None))


def _count(
    connection: duckdb.DuckDBPyConnection, database: str, mart: str, columns: Columns | None
) -> tuple[int, date | None]:
    """How many rows, and their first day."""
    if not columns:
        return 0, None
    [counted] = connection.execute(
        f"select count(*), min({day_of(mart, columns)}) from {database}.{quoted(mart)}"
    ).fetchall()
    return counted


def _difference(
    connection: duckdb.DuckDBPyConnection,
    mart: str,
    old: Columns,
    new: Columns,
    rows: Rows,
    months: Collection[datetime | None],
) -> Change:
    """`months`: those that differ; empty: any."""
    where = [rows.can_change.get(mart, "true")]
    known = [month for month in months if month]
    if known and mart not in rows.can_change and (time := time_column(mart, new)):
        # One range: a condition for each month would take longer than the rows between them.
        where.append(f"{time} >= timestamp '{min(known)}'")
        where.append(f"{time} < timestamp '{max(known)}' + interval '1' month")
    condition = " and ".join(f"({each})" for each in where)
    before = {name for name, *_ in old}
    found = differing(
        f"before.{quoted(mart)} as kept where {condition}",
        f"marts.{quoted(mart)} as kept where {condition}",
        columns=[name for name, *_ in new if name in before],
        keys=rows.keys.get(mart),
        shown={"day": day_of(mart, new, rows.moments.get(mart))},
    )
    [(added, removed, changed, first_day)] = connection.execute(
        f"""
        select
            sum(greatest(came - went, 0)), sum(greatest(went - came, 0)), sum(least(came, went)), min(day)
        from (
            select
                coalesce(sum(copies) filter (copies > 0), 0) as came,
                coalesce(-sum(copies) filter (copies < 0), 0) as went,
                min(day) as day
            from ({found})
            group by row_key
        )
        """
    ).fetchall()
    return Change(mart, int(added or 0), int(removed or 0), int(changed or 0), first_day)


def differing(
    old: str,
    new: str,
    *,
    columns: Iterable[str],
    keys: Iterable[str] | None,
    shown: Mapping[str, str],
) -> str:
    """The query of the rows that one of two relations has and the other has not, or not as often: row_key,
    `copies` (how many more the new one has; negative: the old one), and these expressions. `old`, `new`: what
    stands after `from`."""
    names = ", ".join(map(quoted, columns))
    key = ", ".join(map(quoted, keys)) if keys else names
    values = "".join(f", {expression} as {name}" for name, expression in shown.items())
    sides = [
        f"select hash({key}) as row_key, hash({names}) as row_hash, {copies} as copies{values} "
        f"from {relation}"
        for relation, copies in ((old, -1), (new, 1))
    ]
    kept = "".join(f", min({name}) as {name}" for name in shown)
    return (
        f"select row_key, sum(copies) as copies{kept} from ({' union all '.join(sides)}) "
        "group by row_key, row_hash having sum(copies) <> 0"
    )


def mart_columns(connection: duckdb.DuckDBPyConnection, database: str) -> dict[str, Columns]:
    """The columns of each mart in an attached database. Lets duckdb.Error pass."""
    found: dict[str, list[tuple[str, str, bool]]] = {}
    for mart, *column in connection.execute(
        "select table_name, column_name, data_type, is_nullable from duckdb_columns() "
        "where database_name = ? and schema_name = 'main' order by table_name, column_index",
        [database],
    ).fetchall():
        found.setdefault(mart, []).append(tuple(column))
    return dict(found)
