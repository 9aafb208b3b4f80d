"""What the checks look at: every table whole, or of each what the run may have changed.

Belongs here: the read-only connection that checks run in. Does not: the rules (expectations/).

Rules name tables as everybody does (`marts.fct_enrollments`). In an incremental run each name stands for a
part of its table: of staged rows those that share a key with a new one, of every table with a profile_key the
rows of the affected profiles, all of them, so that what belongs together is there together, and of these the
columns that a rule names. The rest was checked by the run that computed it. Who writes a rule need not know.
"""

from collections.abc import Mapping, Set

import duckdb

from orchestration.settings import Settings
from orchestration.warehouse import literal

CATALOG = "warehouse"  # as dbt's views name it
SCHEMAS = ("raw", "control", "staging", "intermediate")
FEW = 1_000_000
WATERMARK = "(select after_file_id from whole.control.increment)"
TOUCHED = f"row_key in (select row_key from {{table}} where touched_after = {WATERMARK})"
AFFECTED = "profile_key in (select profile_key from whole.intermediate.int_affected_profiles)"


def open_for_checks(
    settings: Settings, words: Mapping[str, Set[str]], *, only_changed: bool = False
) -> duckdb.DuckDBPyConnection:
    """A connection in which the tables and views of these names are; `use` the catalog. `words`: of the rules
    that read each, among them the columns; `*` for all."""
    connection = duckdb.connect()
    connection.execute(f"set temp_directory = {literal(settings.warehouse.with_suffix('.tmp'))}")
    connection.execute("set timezone = 'UTC'")
    connection.execute(f"attach {literal(settings.warehouse)} as whole (read_only)")
    if settings.warehouse_marts.exists():
        connection.execute(f"attach {literal(settings.warehouse_marts)} as whole_marts (read_only)")
    connection.execute(f"attach ':memory:' as {CATALOG}; attach ':memory:' as marts; use {CATALOG}")
    for schema in SCHEMAS:
        connection.execute(f"create schema {schema}")

    # The views of staged rows stand on the base tables, which are shown instead.
    names = words.keys() | {name.replace("staging.stg_", "staging.base_") for name in words}
    for catalog, schema, table in _tables(connection):
        name = f"{'marts' if catalog == 'whole_marts' else schema}.{table}"
        place = f"{catalog}.{schema}.{table}"
        if name in names:
            columns = _columns(connection, place)
            part = _part(columns) if only_changed else None
            read = [column for column in columns if column in words.get(name, "")]
            is_narrow = part == AFFECTED and read and "*" not in words[name]
            _show(connection, name, place, part, ", ".join(read) if is_narrow else "*")
    for schema, view, definition in _views(connection):
        if f"{schema}.{view}" in names:
            connection.execute(definition)
    return connection


def _tables(connection: duckdb.DuckDBPyConnection) -> list[tuple[str, str, str]]:
    return connection.execute(
        "select database_name, schema_name, table_name from duckdb_tables() "
        "where database_name in ('whole', 'whole_marts')"
    ).fetchall()


def _columns(connection: duckdb.DuckDBPyConnection, table: str) -> list[str]:
    found = connection.execute("select name from pragma_table_info(?)", [table]).fetchall()
    return [name for (name,) in found]


def _views(connection: duckdb.DuckDBPyConnection) -> list[tuple[str, str, str]]:
    return connection.execute(
        "select schema_name, view_name, sql from duckdb_views() where database_name = 'whole'"
    ).fetchall()


def _part(columns: list[str]) -> str | None:
    if "touched_after" in columns and "row_key" in columns:
        return TOUCHED
    return AFFECTED if "profile_key" in columns else None


def _show(
    connection: duckdb.DuckDBPyConnection, name: str, table: str, part: str | None, columns: str
) -> None:
    """A small part is taken out once, for all rules; a large one is read where it lies."""
    if not part:
        connection.execute(f"create view {name} as from {table}")
        return
    condition = part.format(table=table)
    connection.execute(
        f"create or replace temp table found as select rowid as id from {table} where {condition} limit {FEW}"
    )
    is_small = connection.execute("select count(*) from found").fetchall()[0][0] < FEW
    if is_small:
        connection.execute(
            f"create table {name} as select {columns} from {table} where rowid in (from found)"
        )
    else:
        connection.execute(f"create view {name} as from {table} where {condition}")
