"""Statements to the cluster, through its Thrift server.

Belongs here: the connection, literals, and an error's first sentence. Does not: any statement.
"""

import json
import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import date, datetime
from typing import Any

from orchestration.errors import GoalpostError
from orchestration.settings import Settings

# A Thrift server takes settings of a session only under these names.
SESSION = {
    "set:hivevar:spark.sql.session.timeZone": "UTC",
    "set:hivevar:spark.sql.ansi.enabled": "false",
    # What is written with Spark 3 or by anyone else has the calendar of today, also long ago.
    "set:hivevar:spark.sql.parquet.datetimeRebaseModeInRead": "CORRECTED",
    "set:hivevar:spark.sql.parquet.int96RebaseModeInRead": "CORRECTED",
    "set:hivevar:spark.sql.parquet.inferTimestampNTZ.enabled": "false",
}

# Marts are written there, and no reader sees them before they are published (publish.py).
BUILD = {"set:hivevar:spark.wap.branch": "build"}

Row = dict[str, Any]


class SparkError(GoalpostError):
    """What Spark says of a statement that it refused, in one line."""


class Spark:
    """A session on the cluster."""

    def __init__(self, cursor: Any) -> None:
        self._cursor = cursor

    def run(self, statement: str) -> None:
        """Execute a statement that gives no rows. Raises SparkError."""
        self._execute(statement)

    def rows(self, query: str) -> list[Row]:
        """The rows of a query. A list or a struct comes as JSON text: ask for to_json(…) of it.

        Raises SparkError."""
        self._execute(query)
        columns = [(name.rpartition(".")[2], kind) for name, kind, *_ in self._cursor.description]
        return [
            {name: _value(kind, value) for (name, kind), value in zip(columns, row, strict=True)}
            for row in self._cursor.fetchall()
        ]

    def tables(self, schema: str) -> list[str]:
        """The names of its tables and views. Raises SparkError."""
        found = self.rows(f"show tables in {schema}")  # with the views of this session
        return [row["tableName"] for row in found if not row["isTemporary"]]

    def value(self, query: str) -> Any:
        """The one value of a query."""
        [row] = self.rows(query)
        [value] = row.values()
        return value

    def _execute(self, statement: str) -> None:
        from pyhive.exc import DatabaseError  # pyright: ignore[reportMissingImports]

        try:
            self._cursor.execute(statement)
        except DatabaseError as error:
            raise SparkError(first_sentence(error)) from error


@contextmanager
def connect(settings: Settings, *, builds: bool = True) -> Iterator[Spark]:
    """A session. `builds`: it sees the marts as they are being built; else as they are published.

    Raises GoalpostError if no Thrift server answers, or Spark's client is not installed."""
    try:
        from pyhive import hive  # pyright: ignore[reportMissingImports]
        from thrift.transport.TTransport import TTransportException  # pyright: ignore[reportMissingImports]
    except ImportError as error:
        raise GoalpostError(
            "Spark's client is not installed here: docs/spark.md has the line that does it."
        ) from error

    try:
        connection = hive.connect(
            host=settings.spark_host,
            port=settings.spark_port,
            username=settings.spark_user,
            configuration=SESSION | (BUILD if builds else {}),
        )
    except TTransportException as error:
        place = f"{settings.spark_host}:{settings.spark_port}"
        raise GoalpostError(
            f"No Spark Thrift server answers at {place}: start it, or set "
            "GOALPOST_SPARK_HOST and GOALPOST_SPARK_PORT (docs/spark.md)."
        ) from error
    try:
        yield Spark(connection.cursor())
    finally:
        connection.close()


def first_sentence(error: Exception) -> str:
    """What went wrong, without the stack: Spark's message has hundreds of lines."""
    status = getattr(error.args[0], "status", None) if error.args else None
    text = getattr(status, "errorMessage", None) or str(error)
    text = re.split(r"\n\s*at |\n\nDriver stacktrace|\s*;\s*line \d+ pos \d+;\n", text)[0]
    return " ".join(text.removeprefix("Error running query: ").split())[:1000]


def literal(value: Any) -> str:
    """A value as a literal of Spark SQL."""
    match value:
        case None:
            return "null"
        case bool() | int():
            return str(value).lower()
        case datetime():
            return f"timestamp '{value.isoformat(sep=' ')}'"
        case list() | tuple():
            return f"array({', '.join(map(literal, value))})" if value else "cast(array() as array<string>)"
        case _:
            text = str(value).replace("\\", "\\\\").replace("'", "\\'").replace("\0", "\\0")
            return f"'{text}'"


def insert_rows(spark: Spark, table: str, columns: dict[str, str], rows: Sequence[Row]) -> None:
    """Append rows, as JSON text in the statements, a commit for each megabyte. `columns`: names and
    types of Spark."""
    fields = ", ".join(f"{name}: {kind}" for name, kind in columns.items())
    batch: list[str] = []
    size = 0
    for number, row in enumerate(rows, 1):
        text = json.dumps({name: row[name] for name in columns}, default=_as_json)
        batch.append(text)
        size += len(text)
        if size > 1_000_000 or number == len(rows):
            document = literal("[" + ",".join(batch) + "]")
            spark.run(
                f"insert into {table} by name select inline(from_json({document}, 'array<struct<{fields}>>'))"
            )
            batch, size = [], 0


def _as_json(value: Any) -> str:
    return value.isoformat() if isinstance(value, date) else str(value)


def _value(kind: str, value: Any) -> Any:
    """The driver gives dates as text."""
    return date.fromisoformat(value) if kind == "DATE_TYPE" and value is not None else value
