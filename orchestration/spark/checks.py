"""Great Expectations on Spark: the same suites, through SQL.

Belongs here: the connection, and keeping the results. Does not: any rule (expectations/).
"""

import json
import re
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime

from orchestration.checks.suites import (
    STEPS,
    CheckResult,
    Suite,
    import_great_expectations,
    read_suites,
    run_with,
)
from orchestration.settings import Settings
from orchestration.spark.connection import BUILD, SESSION, Spark, insert_rows, literal
from orchestration.spark.control import columns_of
from orchestration.spark.engine import json_macros

QUERY = "unexpected_rows_query"
JSON_VALID = re.compile(r"json_valid\((\w+)\)")


def run_checks(settings: Settings, steps: Sequence[str] = STEPS) -> list[CheckResult]:
    """Check every suite of the steps, on all rows. Raises GoalpostError if a suite cannot be read."""
    import_great_expectations()
    suites = tuple(_for_spark(suite) for step in steps for suite in read_suites(step))
    url = f"hive://{settings.spark_user}@{settings.spark_host}:{settings.spark_port}/default"
    session = {"connect_args": {"configuration": SESSION | BUILD}}
    return [result for _, results in run_with(suites, url, kwargs=session) for result in results]


def _for_spark(suite: Suite) -> Suite:
    """Rules are written in SQL that both engines know, but for one function."""
    expectations = [
        replace(item, kwargs=item.kwargs | {QUERY: JSON_VALID.sub(_is_json, item.kwargs[QUERY])})
        if QUERY in item.kwargs
        else item
        for item in suite.expectations
    ]
    return replace(suite, expectations=tuple(expectations))


def _is_json(call: re.Match[str]) -> str:
    """Great Expectations fills in braces, so a brace of the query itself is doubled."""
    return json_macros().is_json(call[1]).replace("{", "{{").replace("}", "}}")


def keep_results(spark: Spark, run_id: str, results: Sequence[CheckResult]) -> None:
    spark.run(f"delete from control.check_results where run_id = {literal(run_id)}")
    checked_at = datetime.now(UTC).replace(tzinfo=None)
    rows = [
        {
            "run_id": run_id,
            "step": each.step,
            "suite": each.suite,
            "expectation": each.expectation,
            "severity": each.severity,
            "success": each.success,
            "figures": json.dumps(each.figures),
            "checked_at": checked_at,
        }
        for each in results
    ]
    insert_rows(spark, "control.check_results", columns_of("check_results"), rows)
