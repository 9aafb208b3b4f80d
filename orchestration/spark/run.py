"""A run on Spark: lands, builds, checks and publishes.

Belongs here: the order of the steps, the row in control.runs, what is printed. Does not: any step.
"""

import uuid
from datetime import UTC, datetime
from typing import Any

from rich.console import Console

from orchestration import changes
from orchestration.checks.suites import refusal
from orchestration.clock import as_of_of_a_run
from orchestration.errors import GoalpostError
from orchestration.settings import Settings
from orchestration.spark import checks, control, landing
from orchestration.spark.build import WITHOUT_UNIT_TESTS, build
from orchestration.spark.connection import Spark, connect
from orchestration.spark.copies import copy_reports
from orchestration.spark.publish import publish
from orchestration.terminal import say


def run(settings: Settings, out: Console, *, full_refresh: bool, as_of: datetime | None) -> str | None:
    """Returns the id of the run; None if there was nothing to do.

    Raises GoalpostError if a step fails: then nothing was published, and the next run goes on where it
    stopped."""
    run_id, code_hash = str(uuid.uuid4()), changes.hash_of(changes.hash_each())
    with connect(settings) as spark:
        control.create_tables(spark)
        landing.create_tables(spark)
        why = "it was asked for" if full_refresh else _why_everything(spark, code_hash)
        moment = as_of_of_a_run(settings, as_of)
        if not why and _is_done(settings, spark, moment):
            say(out, "Nothing to do: no new file, and nothing else changed since the last run.")
            return None
        moment = moment or datetime.now(UTC).replace(tzinfo=None)
        control.begin_run(spark, run_id, moment, is_full_refresh=why is not None, code_hash=code_hash)
        try:
            _steps(settings, spark, out, run_id, moment, why)
        except BaseException as error:
            control.end_run(spark, run_id, "failed", str(error))
            raise
        control.end_run(spark, run_id, "succeeded")
    return run_id


def _steps(
    settings: Settings, spark: Spark, out: Console, run_id: str, moment: datetime, why: str | None
) -> None:
    report = landing.land_new_files(settings, spark)
    files = len({file.path for file in report.loaded})
    figures: dict[str, Any] = {"landing": settings.landing, "landed_now": report.rows_by_table}
    control.keep_figures(spark, run_id, files, figures)
    say(out, f"Landed {sum(report.rows_by_table.values()):,} rows of {files} files.")
    for file in report.set_aside:
        say(out, f"Set aside: {file.path}: {file.reason}", "yellow")
    for entry in report.ignored:
        say(out, f"Ignored: {entry.path}: {entry.reason}", "yellow")
    control.set_clock(spark, moment)
    control.open_increment(spark, run_id, is_everything=why is not None)
    if why:
        say(out, f"Everything is computed: {why}.")
    build(settings, *(["--full-refresh"] if why else []), *WITHOUT_UNIT_TESTS)
    say(out, "Built the models.")
    _check(settings, spark, out, run_id)
    published = publish(spark)
    control.move_watermark(spark)
    control.keep_figures(spark, run_id, files, figures | control.account(spark, run_id))
    with connect(settings, builds=False) as reader:
        copy_reports(reader, settings.published, run_id, moment)
    say(out, f"Published {len(published)} marts: the Iceberg tables of the schema marts.")


def _check(settings: Settings, spark: Spark, out: Console, run_id: str) -> None:
    """Raises GoalpostError if a critical check failed."""
    results = checks.run_checks(settings)
    checks.keep_results(spark, run_id, results)
    failed = [each for each in results if not each.success]
    critical = [f"{each.suite}.{each.expectation}" for each in failed if each.severity == "critical"]
    if critical:
        raise GoalpostError(refusal(critical))
    warnings = ", ".join(f"{each.suite}.{each.expectation}" for each in failed)
    say(out, f"Checked: {len(results)} rules" + (f", warnings: {warnings}" if warnings else "") + ".")


def _why_everything(spark: Spark, code_hash: str) -> str | None:
    """Why everything must be computed; None if an increment is enough."""
    for row in spark.rows(
        "select outcome, code_hash, is_full_refresh from control.runs order by started_at desc"
    ):
        if row["code_hash"] != code_hash:
            return "the code changed"
        if row["outcome"] == "succeeded":
            return None
        if row["is_full_refresh"]:
            return "the last full refresh did not finish"
    return "no run has succeeded yet"


def _is_done(settings: Settings, spark: Spark, moment: datetime | None) -> bool:
    """Did the last run do all that there is, up to the same moment, if one is asked for?"""
    [last] = spark.rows("select outcome, as_of from control.runs order by started_at desc limit 1")
    return (
        last["outcome"] == "succeeded"
        and moment in (None, last["as_of"])
        and not landing.are_files_waiting(settings, spark)
    )
