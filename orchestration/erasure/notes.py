"""What was noted about people beside their rows: checks, messages, logs, Dagster's history.

Belongs here: finding the names there and replacing them. Does not: rows (rows.py), definitions that name a
person, which are their author's to change; they are only listed.
"""

import json
import sqlite3
from collections.abc import Collection, Mapping
from contextlib import closing

import duckdb

from orchestration.erasure.alias import Alias
from orchestration.months import quoted
from orchestration.settings import Settings


def erase_notes(connection: duckdb.DuckDBPyConnection, needles: Mapping[str, Alias]) -> None:
    """In the ledger and the history of runs: examples of what a check found, and quoted values."""
    connection.execute(
        "update control.check_results set figures = json_merge_patch(figures, "
        """'{"examples": null, "error": null}') where figures is not null"""
    )
    columns = connection.execute(
        "select schema_name, table_name, column_name from duckdb_columns() "
        "where database_name = 'warehouse' and data_type in ('VARCHAR', 'JSON') "
        "and (schema_name = 'control' or (schema_name = 'raw' and table_name = 'files' "
        "and column_name = 'reason'))"
    ).fetchall()
    for schema, table, column in columns:
        place, name = f"{schema}.{quoted(table)}", quoted(column)
        found = connection.execute(
            f"select distinct {name}::varchar from {place}, (select unnest(?) as needle) "
            f"where contains({name}::varchar, needle)",
            [list(needles)],
        ).fetchall()
        for (text,) in found:
            connection.execute(
                f"update {place} set {name} = ? where {name}::varchar = ?", [_replaced(text, needles), text]
            )


def erase_histories(settings: Settings, needles: Mapping[str, Alias]) -> None:
    """In the logs and in Dagster's history."""
    for path in [*settings.logs.rglob("*"), *settings.home.glob("incidents*.json")]:
        if path.is_file():
            text = path.read_text(encoding="utf-8", errors="surrogateescape")
            if (new := _replaced(text, needles)) != text:
                path.write_text(new, encoding="utf-8", errors="surrogateescape")
    escaped = dict(needles) | {json.dumps(needle)[1:-1]: alias for needle, alias in needles.items()}
    for path in settings.dagster_home.rglob("*.db"):
        with closing(sqlite3.connect(path, timeout=60, isolation_level=None)) as history:
            _erase_history(history, escaped)


def _erase_history(history: sqlite3.Connection, needles: Mapping[str, Alias]) -> None:
    is_changed = False
    history.execute("pragma secure_delete = on")
    tables = history.execute("select name from sqlite_master where type = 'table'").fetchall()
    for (table,) in tables:
        for _, column, *_ in history.execute(f"pragma table_info({quoted(table)})").fetchall():
            for needle, alias in needles.items():
                changed = history.execute(
                    f"update {quoted(table)} set {quoted(column)} = replace({quoted(column)}, ?, ?) "
                    f"where typeof({quoted(column)}) = 'text' and instr({quoted(column)}, ?)",
                    [needle, alias.name, needle],
                )
                is_changed |= changed.rowcount > 0
    if is_changed:
        history.execute("vacuum")
        history.execute("pragma wal_checkpoint(truncate)")


def _replaced(text: str, needles: Mapping[str, Alias]) -> str:
    for needle, alias in needles.items():
        text = text.replace(needle, alias.name)
    return text


def definitions_with(connection: duckdb.DuckDBPyConnection, needles: Collection[str]) -> list[str]:
    """The definitions that name a person: who wrote them must change them."""
    found: set[str] = set()
    for table, key, column in (
        ("goals", "goal_id", "definition"),
        ("segments", "segment_id", "filter"),
        ("sources", "source_id", "trigger_filter"),
    ):
        for id_, text in connection.execute(f"select distinct {key}, {column} from raw.{table}").fetchall():
            if text and any(needle in text for needle in needles):
                found.add(f"{table}: {id_}")
    return sorted(found)
