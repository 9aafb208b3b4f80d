"""How a fact is published: in parts, a month each.

Belongs here: which moment decides the month and the day of a row, and the condition for a month. Does not:
publishing.
"""

from collections.abc import Sequence
from datetime import datetime


def time_column(mart: str, columns: Sequence[tuple[str, str, bool]]) -> str | None:
    """When a row of a fact happened: its first moment column without nulls. `columns`: name, type, nullable.
    None: the mart is published in one part."""
    moments = [
        name
        for name, type_, is_nullable in columns
        if type_ == "TIMESTAMP" and name.endswith("_at") and not is_nullable
    ]
    return quoted(moments[0]) if moments and mart.startswith("fct_") else None


def day_of(mart: str, columns: Sequence[tuple[str, str, bool]], moment: str | None = None) -> str:
    """The day of a row, as an expression: of a fact, the day (UTC) of its moment (`moment`: recompute_from;
    or else when it happened); of a report, the day that it counts; else null. A report that counts days,
    weeks and months has each change in its days."""
    if time := moment or time_column(mart, columns):
        return f"cast({time} as date)"
    days = [quoted(name) for name, type_, _ in columns if type_ == "DATE"]
    if not days:
        return "cast(null as date)"
    has_periods = any(name == "period" for name, *_ in columns)
    return f"case when period = 'day' then {days[0]} end" if has_periods else days[0]


def in_month(time: str | None, month: datetime) -> str:
    """The condition for a month, in a form with which DuckDB can skip row groups of other months."""
    return f"{time} >= timestamp '{month}' and {time} < timestamp '{month}' + interval '1' month"


def quoted(identifier: str) -> str:
    return '"' + identifier.replace('"', '""') + '"'
