"""Which columns each column of a model is computed from, for Dagster's catalog.

Belongs here: finding it in the SQL that dbt compiled, keeping it until the models change. Does not: showing
it (defs/models.py).

It takes a quarter of a minute, and only a person who looks at the web UI needs it: so `goalpost dev` finds it
before it starts, once per change of the models, and runs never do.
"""

import json
from collections.abc import Mapping
from contextlib import closing
from pathlib import Path
from typing import Any

from orchestration import dbt_process
from orchestration.errors import GoalpostError
from orchestration.settings import Settings
from orchestration.warehouse import connect

# By the id of a model: by its column, the ids and columns that it is computed from.
Lineage = dict[str, dict[str, list[tuple[str, str]]]]


def read_lineage(settings: Settings) -> Lineage:
    """What was found for the current models; empty if nothing was yet."""
    try:
        return json.loads(_place(settings).read_bytes())
    except (OSError, ValueError):
        return {}


def find_lineage(settings: Settings) -> str | None:
    """Find the lineage, if it is not known for the current models and a run has compiled them all. Returns in
    a sentence why it was not found, or None."""
    if _place(settings).exists():
        return None
    try:
        manifest = json.loads(dbt_process.manifest_path(settings).read_bytes())
        columns = _columns(settings)
    except (OSError, GoalpostError):
        return "Column lineage is missing until `goalpost dev` starts after the first run."
    models = {
        node: _compiled(settings, manifest["nodes"][node])
        for node in manifest["nodes"]
        if manifest["nodes"][node]["resource_type"] == "model"
        and manifest["nodes"][node]["language"] == "sql"
    }
    if not all(models.values()):
        return "Column lineage is missing until `goalpost dev` starts after a run of these models."
    found = {node: _of_a_model(manifest, node, sql, columns) for node, sql in models.items() if sql}
    _place(settings).write_text(json.dumps(found), encoding="utf-8")
    return None


def _place(settings: Settings) -> Path:
    return dbt_process.manifest_path(settings).with_suffix(".lineage")


def _compiled(settings: Settings, node: Mapping[str, Any]) -> str | None:
    path = dbt_process.target_folder(settings) / "compiled" / "goalpost" / node["original_file_path"]
    return path.read_text(encoding="utf-8") if path.exists() else None


def _columns(settings: Settings) -> dict[str, Any]:
    """The columns of every table, as sqlglot reads them: by database, schema and table."""
    columns: dict[str, Any] = {}
    with closing(connect(settings, read_only=True, wait_seconds=0)) as connection:
        rows = connection.execute(
            "select database_name, schema_name, table_name, column_name, data_type from duckdb_columns() "
            "where not internal"
        ).fetchall()
    for database, schema, table, column, type_ in rows:
        tables = columns.setdefault(database, {}).setdefault(schema, {})
        tables.setdefault(table, {})[column] = type_
    return columns


def _of_a_model(
    manifest: Mapping[str, Any], node: str, sql: str, columns: Mapping[str, Any]
) -> dict[str, list[tuple[str, str]]]:
    """Empty for SQL that sqlglot cannot read."""
    import sqlglot
    from sqlglot import exp
    from sqlglot.lineage import lineage
    from sqlglot.optimizer.qualify import qualify
    from sqlglot.optimizer.scope import build_scope

    inputs = {
        (each["schema"], each.get("alias") or each["identifier"]): name
        for name in manifest["nodes"][node]["depends_on"]["nodes"]
        if (each := manifest["nodes"].get(name) or manifest["sources"].get(name))
    }
    try:
        query = qualify(
            sqlglot.parse_one(sql, dialect="duckdb"),
            schema=dict(columns),
            dialect="duckdb",
            validate_qualify_columns=False,
        )
        assert isinstance(query, exp.Query)
        scope = build_scope(query)
        found: dict[str, list[tuple[str, str]]] = {}
        for column in query.named_selects:
            leaves = lineage(column, query, {}, scope=scope, dialect="duckdb", copy=False).walk()
            tables = [(leaf, leaf.expression.find(exp.Table)) for leaf in leaves if not leaf.downstream]
            found[column] = sorted(
                {
                    (name, exp.to_column(leaf.name).name)
                    for leaf, table in tables
                    if table and (name := inputs.get((table.db, table.name)))
                }
            )
    except Exception:  # whatever sqlglot cannot do, `goalpost dev` starts
        return {}
    return found
