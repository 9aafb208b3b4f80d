"""`goalpost status` of the lakehouse: what landed, what was left out, what the last run and its checks did.

Belongs here: reading it. Does not: laying it out (orchestration/status.py).
"""

import duckdb
from rich.console import Console

from orchestration import clock
from orchestration.settings import Settings
from orchestration.spark.connection import Spark, connect
from orchestration.spark.copies import copy
from orchestration.status import quarantined, show_ledger
from orchestration.terminal import say
from orchestration.warehouse import writer

LAST_RUN = "run_id = (select max_by(run_id, started_at) from control.runs)"


def show_status(settings: Settings, out: Console) -> None:
    """Print the status. Raises GoalpostError if the cluster does not answer."""
    with connect(settings) as spark, duckdb.connect() as copied:
        say(out, f"Home: {settings.home}")
        say(out, f"Landing: {settings.landing}")
        say(out, f"Marts: the schema marts at {settings.spark_host}:{settings.spark_port}")
        if pinned := clock.sentence(settings):
            say(out, pinned)
        if not _has(spark, "control") or "runs" not in spark.tables("control"):
            say(out, "Nothing has run yet: `goalpost run` loads the files in the landing.")
            return
        for schema in ("raw", "control", "staging"):
            copied.execute(f"create schema {schema}")
        copy(spark, "raw.files", copied, "raw.files")
        copy(spark, "control.runs", copied, "control.runs", LAST_RUN)
        copy(spark, "control.check_results", copied, "control.check_results", LAST_RUN)
        show_ledger(copied, out, is_writing=writer(settings) is not None)
        out.print(quarantined(_quarantined(spark) if _has(spark, "quarantine") else []))


def _has(spark: Spark, schema: str) -> bool:
    return bool(spark.rows(f"show schemas like '{schema}'"))


def _quarantined(spark: Spark) -> list[tuple[str, str]]:
    """For each reason of each table: how many rows, and one of them."""
    found = []
    for name in spark.tables("quarantine"):
        for row in spark.rows(
            "select reason_code, count(*) as count, min(path) as path, min(problem) as problem "
            f"from quarantine.{name} group by reason_code order by reason_code"
        ):
            rows = f"{row['count']:,} row{'' if row['count'] == 1 else 's'}"
            example = f"for example in {row['path']}" + (f": {row['problem']}" if row["problem"] else "")
            found.append((f"{name}: {row['reason_code']}, {rows}", example))
    return found
