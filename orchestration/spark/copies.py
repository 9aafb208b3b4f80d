"""Small tables of the lakehouse as tables of DuckDB: what Python models read, and what `goalpost report`
reads.

Belongs here: the copy, column by column of the same type. Does not: which tables.
"""

import json
from datetime import datetime
from pathlib import Path

import duckdb

from orchestration.spark.connection import Spark

TYPES = {"string": "varchar", "int": "integer", "array<string>": "varchar[]", "array<boolean>": "boolean[]"}
# What `goalpost report` reads of them: definitions and figures. The facts stay in the lakehouse.
REPORTS = ("dim_goals", "dim_sources", "dim_segments", "dim_workspaces", "rpt_")


def copy(
    spark: Spark, relation: str, connection: duckdb.DuckDBPyConnection, name: str, where: str = "true"
) -> None:
    """Create the table `name` with the rows of a relation that meet a condition. Columns of a type that has
    no match here (structs, maps, lists of numbers) are left out: no reader has any. Raises SparkError."""
    import pyarrow

    types = {
        str(row["col_name"]): TYPES.get(row["data_type"], str(row["data_type"]))
        for row in spark.rows(f"describe {relation}")
        if row["data_type"] and not row["col_name"].startswith("#")
    }
    types = {column: kind for column, kind in types.items() if "<" not in kind}
    lists = [column for column, kind in types.items() if kind.endswith("[]")]
    columns = [f"to_json({column}) as {column}" if column in lists else column for column in types]
    rows = spark.rows(f"select {', '.join(columns)} from {relation} where {where}")
    for row in rows:
        row.update({column: json.loads(row[column]) for column in lists if row[column] is not None})
    described = ", ".join(f'"{column}" {kind}' for column, kind in types.items())
    connection.execute(f"create or replace table {name} ({described})")
    if rows:
        connection.register("copied", pyarrow.Table.from_pylist(rows))
        connection.execute(f"insert into {name} by name select * from copied")
        connection.unregister("copied")


# What `goalpost report` says of the publication: the columns that it has on DuckDB, too.
PUBLICATION = """
create table control.publication as
select $run_id as run_id, $as_of::timestamp as as_of, now() at time zone 'UTC' as published_at
"""


def copy_reports(spark: Spark, file: Path, run_id: str, as_of: datetime) -> None:
    """Replace the file that `goalpost report` reads by the published reports. Raises SparkError."""
    file.parent.mkdir(parents=True, exist_ok=True)
    part = file.with_name(f"{file.name}.part")
    part.unlink(missing_ok=True)
    with duckdb.connect(str(part)) as connection:
        for mart in spark.tables("marts"):
            if mart.startswith(REPORTS):
                copy(spark, f"marts.{mart}", connection, mart)
        connection.execute("create schema control")
        connection.execute(PUBLICATION, {"run_id": run_id, "as_of": as_of})
    part.replace(file)
