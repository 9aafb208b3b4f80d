"""The Python models of the project, for Spark: computed in this process, and handed over as rows.

Belongs here: giving a model its inputs, and its rows to the lakehouse. Does not: what a model computes (it is
the model's own code, dbt_project/models/**/*.py, that runs here).

They read definitions and sums, a few rows however many people there are. So their inputs are copied into a
DuckDB in memory, where the models run as they do in the warehouse.
"""

import importlib.util
from pathlib import Path
from typing import Any

import duckdb

from orchestration.settings import DBT_PROJECT
from orchestration.spark.connection import Spark, insert_rows
from orchestration.spark.copies import copy

TYPES = {
    "VARCHAR": "string",
    "TIMESTAMP": "timestamp",
    "DOUBLE": "double",
    "BIGINT": "bigint",
    "VARCHAR[]": "array<string>",
}


def hand_over(spark: Spark, node: dict[str, Any]) -> None:
    """Compute a Python model and write its rows to control.<model>, which the model's view in the lakehouse
    reads. `node`: the model in dbt's manifest. Raises SparkError, and whatever the model raises."""
    table = f"control.{node['name']}"
    with duckdb.connect() as connection:
        inputs = Inputs(spark, connection, is_incremental=_exists(spark, table), this=table)
        result = _model(DBT_PROJECT / node["original_file_path"])(inputs, connection)
        relation = (
            connection.from_arrow(result) if not isinstance(result, duckdb.DuckDBPyRelation) else result
        )
        columns = {
            name: TYPES[str(kind)] for name, kind in zip(relation.columns, relation.types, strict=True)
        }
        rows = [dict(zip(relation.columns, row, strict=True)) for row in relation.fetchall()]
    if not (inputs.is_incremental and inputs.materialized == "incremental"):
        described = ", ".join(f"{name} {kind}" for name, kind in columns.items())
        spark.run(f"create or replace table {table} ({described}) using iceberg")
    insert_rows(spark, table, columns, rows)


class Inputs:
    """What a Python model knows as `dbt`."""

    materialized = "table"

    def __init__(
        self, spark: Spark, connection: duckdb.DuckDBPyConnection, *, is_incremental: bool, this: str
    ):
        self._spark, self._connection = spark, connection
        self.is_incremental, self._this = is_incremental, this

    def config(self, materialized: str, **_: Any) -> None:
        self.materialized = materialized

    @property
    def this(self) -> str:
        return self._copy(self._this)

    def ref(self, model: str) -> duckdb.DuckDBPyRelation:
        schema = "staging" if model.startswith("stg_") else "intermediate"
        return self._connection.table(self._copy(f"{schema}.{model}"))

    def source(self, source: str, table: str) -> duckdb.DuckDBPyRelation:
        return self._connection.table(self._copy(f"{source}.{table}"))

    def _copy(self, relation: str) -> str:
        name = relation.replace(".", "_")
        copy(self._spark, relation, self._connection, name)
        return name


def _model(path: Path) -> Any:
    spec = importlib.util.spec_from_file_location(path.stem, path)
    assert spec and spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module.model


def _exists(spark: Spark, table: str) -> bool:
    schema, _, name = table.partition(".")
    return name in spark.tables(schema)
