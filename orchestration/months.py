"""How a fact is published: in parts, a month each.

Belongs here: which moment decides the month of a row, and the condition for a month. Does not: publishing.
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


def in_month(time: str | None, month: datetime) -> str:
    """The condition for a month, in a form with which DuckDB can skip row groups of other months."""
    return f"{time} >= timestamp '{month}' and {time} < timestamp '{month}' + interval '1' month"


def quoted(identifier: str) -> str:
    return '"' + identifier.replace('"', '""') + '"'
