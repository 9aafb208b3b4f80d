"""Reading the published marts, a query at a time.

Belongs here: the connection, the cache, and how a query looks with its parameters written in. Does not: what
is asked (queries/, a file each), or how an answer is shown (parts.py, charts.py).
"""

import re
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path
from threading import Lock

import duckdb
import pandas
import streamlit

from orchestration.settings import Settings

QUERIES = Path(__file__).with_name("queries")

# A line of a query whose parameter is one of these is left out: the condition was not chosen.
NOT_CHOSEN = (None, [])

# Within one process DuckDB gives a second connection to a path the file that the first one opened, also after
# another was published there. So one query at a time connects, asks, and closes.
_ONE_AT_A_TIME = Lock()


class Sql(str):
    """A part of a query: written in as it is. Only ever a constant of a page."""


Value = Sql | str | int | date | list[str] | None  # a datetime is a date


@dataclass(frozen=True)
class Answer:
    """The rows, and the query that any other tool can repeat."""

    rows: pandas.DataFrame
    sql: str


def publication() -> tuple[int, ...] | None:
    """Which file is published now: another after each publication. None: nothing is published."""
    try:
        status = Settings().published.stat()
    except FileNotFoundError:
        return None
    return status.st_ino, status.st_size, status.st_mtime_ns


def ask(name: str, **parameters: Value) -> Answer:
    """The answer to queries/<name>.sql. It is kept until another file is published.

    Lets duckdb.Error pass: a CatalogException where an older Goalpost published."""
    sql = written_out((QUERIES / f"{name}.sql").read_text("utf-8"), parameters)
    return Answer(_rows(sql, publication()), sql)


@streamlit.cache_data(max_entries=300, show_spinner=False)
def _rows(sql: str, published: tuple[int, ...] | None) -> pandas.DataFrame:
    with _ONE_AT_A_TIME, duckdb.connect(Settings().published, read_only=True) as connection:
        connection.execute("set timezone = 'UTC'")
        return connection.execute(sql).df()


def written_out(query: str, parameters: dict[str, Value]) -> str:
    """The query with its $parameters as literals, to be copied; without the lines of those not chosen."""

    def is_chosen(line: str) -> bool:
        return all(parameters[name] not in NOT_CHOSEN for name in re.findall(r"\$(\w+)", line))

    lines = [line for line in query.strip().splitlines() if is_chosen(line)]
    return re.sub(r"\$(\w+)", lambda found: literal(parameters[found[1]]), "\n".join(lines))


def literal(value: Value) -> str:
    match value:
        case Sql() | int():
            return str(value)
        case datetime():
            return f"timestamp '{value}'"
        case date():
            return f"date '{value:%Y-%m-%d}'"
        case list():
            return f"({', '.join(map(literal, value))})"
        case _:
            return "'" + str(value).replace("'", "''") + "'"
