"""A run on Spark: lands, builds, checks and publishes.

Belongs here: the order of the steps, the row in control.runs, what is printed. Does not: any step.
"""

import uuid
from datetime import UTC, datetime

from rich.console import Console

from orchestration import changes
from orchestration.checks.suites import refusal
from orchestration.clock import as_of_of_a_run
from orchestration.errors import GoalpostError
from orchestration.settings import Settings
from orchestration.spark import checks, control, landing
from orchestration.spark.build import WITHOUT_UNIT_TESTS, build
from orchestration.spark.connection import Spark, connect, literal
from orchestration.spark.copies import copy_reports
from orchestration.spark.publish import publish
from orchestration.terminal import say


def run(settings: Settings, out: Console, *, full_refresh: bool, as_of: datetime | None) -> str:
    """Returns the id of the run.

    Raises GoalpostError if a step fails: then nothing was published, and the next run goes on where it
    stopped."""
    run_id, code_hash = str(uuid.uuid4()), changes.hash_of(changes.hash_each())
    with connect(settings) as spark:
        control.create_tables(spark)
        landing.create_tables(spark)
        why = "it was asked for" if full_refresh else _why_everything(spark, code_hash)
        moment = as_of_of_a_run(settings, as_of) or datetime.now(UTC).replace(tzinfo=None)
        spark.run("update control.runs set outcome = 'interrupted' where outcome = 'running'")
        spark.run(
            "insert into control.runs by name select "
            f"{literal(run_id)} as run_id, current_timestamp() as started_at, {literal(moment)} as as_of, "
            f"'running' as outcome, {literal(why is not None)} as is_full_refresh, "
            f"{literal(code_hash)} as code_hash"
        )
        try:
            _steps(settings, spark, out, run_id, moment, why)
        except BaseException as error:
            spark.run(
                f"update control.runs set outcome = 'failed', finished_at = current_timestamp(), "
                f"message = {literal(str(error)[:1000])} where run_id = {literal(run_id)}"
            )
            raise
        spark.run(
            "update control.runs set outcome = 'succeeded', finished_at = current_timestamp() "
            f"where run_id = {literal(run_id)}"
        )
    return run_id


def _steps(
    settings: Settings, spark: Spark, out: Console, run_id: str, moment: datetime, why: str | None
) -> None:
    report = landing.land_new_files(settings, spark)
    rows = sum(report.rows_by_table.values())
    say(out, f"Landed {rows} rows of {len({file.path for file in report.loaded})} files.")
    for file in report.set_aside:
        say(out, f"Set aside: {file.path}: {file.reason}", "yellow")
    control.set_clock(spark, moment)
    control.open_increment(spark, run_id, is_everything=why is not None)
    if why:
        say(out, f"Everything is computed: {why}.")
    build(settings, *(["--full-refresh"] if why else []), *WITHOUT_UNIT_TESTS)
    say(out, "Built the models.")
    results = checks.run_checks(settings)
    checks.keep_results(spark, run_id, results)
    failed = [f"{each.suite}.{each.expectation}" for each in results if not each.success]
    critical = [
        f"{each.suite}.{each.expectation}"
        for each in results
        if each.severity == "critical" and not each.success
    ]
    if critical:
        raise GoalpostError(refusal(critical))
    say(out, f"Checked: {len(results)} rules" + (f", warnings: {', '.join(failed)}" if failed else "") + ".")
    published = publish(spark)
    control.move_watermark(spark)
    with connect(settings, builds=False) as reader:
        copy_reports(reader, settings.published)
    say(out, f"Published {len(published)} marts: the Iceberg tables of the schema marts.")


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
