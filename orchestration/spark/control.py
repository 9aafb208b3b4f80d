"""The tables of control in the lakehouse: the clock, what is being computed, what was built, the runs.

Belongs here: their DDL, and each change of them, as Iceberg commits. A run may be killed between two commits:
each function says in which order it commits, and why that is safe. Does not: the raw tables and the ledger
(landing.py); what the tables mean (dbt_project/models/staging/_sources.yml, orchestration/runs.py).
"""

import json
from datetime import UTC, datetime
from typing import Any

from orchestration.spark.connection import Spark, insert_rows, literal

TABLES = {
    "clock": "as_of timestamp",
    "watermark": "file_id bigint",
    "increment": (
        "increment_id bigint, after_file_id bigint, until_file_id bigint, is_everything boolean, "
        "run_id string"
    ),
    "built_models": "model string, increment_id bigint, code string, relation string, in_run boolean",
    "built_definitions": (
        "workspace_id string, owner_kind string, owner_id string, matters_from timestamp, content string"
    ),
    "built_fact_months": (
        "fact string, fact_month date, fact_rows bigint, fact_keys bigint, sum_of_keys string"
    ),
    "redo": "workspace_id string, profile_id string, profile_key bigint, affected_from timestamp",
    "runs": (
        "run_id string, started_at timestamp, finished_at timestamp, as_of timestamp, outcome string, "
        "is_full_refresh boolean, code_hash string, files_loaded bigint, message string, figures string"
    ),
    "check_results": (
        "run_id string, step string, suite string, expectation string, severity string, success boolean, "
        "figures string, checked_at timestamp"
    ),
}
# In the warehouse of DuckDB, the marts are in a database of their own.
SCHEMAS = ("raw", "control", "rules", "staging", "intermediate", "quarantine", "marts", "metrics")


def create_tables(spark: Spark) -> None:
    for schema in SCHEMAS:
        spark.run(f"create schema if not exists {schema}")
    for table, columns in TABLES.items():
        spark.run(f"create table if not exists control.{table} ({columns}) using iceberg")
    if not spark.rows("select file_id from control.watermark"):
        spark.run("insert into control.watermark values (0)")


def begin_run(spark: Spark, run_id: str, as_of: datetime, *, is_full_refresh: bool, code_hash: str) -> None:
    """Any run that is still 'running' has lost its process: the caller is the only writer."""
    spark.run("update control.runs set outcome = 'interrupted' where outcome = 'running'")
    row = {
        "run_id": run_id,
        "started_at": datetime.now(UTC).replace(tzinfo=None),
        "as_of": as_of,
        "outcome": "running",
        "is_full_refresh": is_full_refresh,
        "code_hash": code_hash,
    }
    columns = columns_of("runs")
    insert_rows(spark, "control.runs", columns, [dict.fromkeys(columns) | row])


def end_run(spark: Spark, run_id: str, outcome: str, message: str | None = None) -> None:
    spark.run(
        f"update control.runs set outcome = {literal(outcome)}, finished_at = current_timestamp(), "
        f"message = {literal(message and message[:1000])} where run_id = {literal(run_id)}"
    )


def keep_figures(spark: Spark, run_id: str, files_loaded: int, figures: dict[str, Any]) -> None:
    """What a run has done so far, for its status."""
    spark.run(
        f"update control.runs set files_loaded = {files_loaded}, figures = {literal(json.dumps(figures))} "
        f"where run_id = {literal(run_id)}"
    )


def account(spark: Spark, run_id: str) -> dict[str, Any]:
    """The rows of all runs, and the checks of this one, in numbers."""
    [rows] = spark.rows(
        "select sum(landed) as landed, sum(staged) as staged, sum(superseded) as superseded, "
        "sum(quarantined) as quarantined from staging.row_accounting"
    )
    [checks] = spark.rows(
        "select count(case when success then 1 end) as passed, "
        "count(case when not success and severity = 'warning' then 1 end) as warned, "
        "count(case when not success and severity = 'critical' then 1 end) as failed "
        f"from control.check_results where run_id = {literal(run_id)}"
    )
    return {"rows": rows, "checks": checks}


def set_clock(spark: Spark, as_of: datetime) -> None:
    spark.run(f"insert overwrite control.clock values ({literal(as_of)})")


def open_increment(spark: Spark, run_id: str, *, is_everything: bool) -> None:
    """From now on every build computes this increment (macros/increment.sql)."""
    spark.run(f"""
        insert overwrite control.increment by name
        select
            coalesce((select max(increment_id) from control.increment), 0) + 1 as increment_id,
            file_id as after_file_id,
            coalesce((select max(file_id) from raw.files), 0) as until_file_id,
            {literal(is_everything)} or file_id = 0 as is_everything,
            {literal(run_id)} as run_id
        from control.watermark
    """)


def move_watermark(spark: Spark) -> None:
    """The increment is in the marts. The watermark moves last: until then the next run computes the same
    increment again, and finds what it computes with the same definitions already there."""
    spark.run("delete from control.redo")
    for name in ("definitions", "fact_months"):
        spark.run(
            f"insert overwrite control.built_{name} by name select {', '.join(columns_of(f'built_{name}'))} "
            f"from intermediate.int_{name}"
        )
    spark.run(
        "update control.built_models set in_run = true, "
        "increment_id = (select max(increment_id) from control.increment)"
    )
    spark.run("insert overwrite control.watermark select until_file_id from control.increment")


def columns_of(table: str) -> dict[str, str]:
    """The types of a table's columns, by name."""
    return dict(column.split() for column in TABLES[table].split(", "))
