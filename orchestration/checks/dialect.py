"""The SQLAlchemy dialect through which Great Expectations reads DuckDB: `duckdb+buffered`.

Belongs here: making the two fit. Does not: what is checked (suites.py).

Great Expectations has no DuckDB engine, and with duckdb-engine alone every expectation fails: it fetches
after it has closed its connection, whose result is then gone, and two cursors of one connection share one
result. Here each cursor is a DuckDB cursor of its own that reads all rows when it executes. Results are
aggregates and a few examples, so what is held is small.
"""

from contextvars import ContextVar
from typing import Any

import duckdb
import duckdb_engine
import sqlalchemy
from sqlalchemy import types
from sqlalchemy.dialects import registry

from orchestration.checks.scope import CATALOG

registry.register("duckdb.buffered", __name__, "BufferedDialect")

# What is checked. Great Expectations makes several engines out of one URL: their connections share this one.
OPENED: ContextVar[duckdb.DuckDBPyConnection] = ContextVar("OPENED")


class BufferedCursor(duckdb_engine.CursorWrapper):
    """Holds its rows, so that they survive its connection; holds nothing else, so that the file is let go."""

    def __init__(self, connection: duckdb.DuckDBPyConnection, wrapper: "BufferedConnection") -> None:
        super().__init__(connection, wrapper)
        self._connection = connection
        self._rows: list[tuple] = []
        self.description: list[tuple] | None = None

    def execute(self, statement: str, parameters: Any = None, context: Any = None) -> None:
        self._connection.execute(statement, parameters)
        self.description = self._connection.description
        self._rows = self._connection.fetchall() if self.description else []

    def fetchone(self) -> tuple | None:
        return self._rows.pop(0) if self._rows else None

    def fetchmany(self, size: int | None = None) -> list[tuple]:
        size = size or 1
        fetched, self._rows = self._rows[:size], self._rows[size:]
        return fetched

    def fetchall(self) -> list[tuple]:
        fetched, self._rows = self._rows, []
        return fetched


class BufferedConnection(duckdb_engine.ConnectionWrapper):
    def __init__(self, connection: duckdb.DuckDBPyConnection) -> None:
        super().__init__(connection)
        self._connection = connection

    def cursor(self) -> BufferedCursor:
        return BufferedCursor(self._connection, self)


class BufferedDialect(duckdb_engine.Dialect):
    driver = "buffered"
    supports_statement_cache = False

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        # Great Expectations asks the *instance* for its dialect class to pick operators for regex and LIKE.
        self.dialect = duckdb_engine.Dialect

    def get_columns(
        self, connection: sqlalchemy.Connection, table_name: str, schema: str | None = None, **_: Any
    ) -> list[Any]:
        """In one look; duckdb-engine asks PostgreSQL's catalog, which takes longer than most checks. Nor
        duckdb_columns(), which binds all views that there are: a second."""
        found = connection.exec_driver_sql(
            'select name, type, not "notnull" from pragma_table_info($1) order by cid',
            (f"{schema}.{table_name}",),
        ).fetchall()
        return [
            {
                "name": name,
                "type": getattr(types, data_type.partition("(")[0], types.NullType)(),
                "nullable": nullable,
                "default": None,
            }
            for name, data_type, nullable in found
        ]

    def connect(self, *_: Any, **__: Any) -> BufferedConnection:
        connection = OPENED.get().cursor()
        connection.execute(f"use {CATALOG}")
        return BufferedConnection(connection)
