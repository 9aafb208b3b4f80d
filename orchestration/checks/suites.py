"""The expectation suites of a step: reading them, running them in DuckDB, keeping the results.

Belongs here: expectations/<step>/<table>.json, the queries beside it, control.check_results. Does not: what
follows from a result (defs/checks.py blocks, publish.py refuses), the special needs of the connection
(dialect.py).

A rule that is a query names its `.sql` file. In it `{batch}` is the table of the suite, `{table}` its name.
"""

import json
import os
import re
import warnings
from collections.abc import Sequence
from contextlib import closing
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import duckdb

from orchestration.checks.scope import open_for_checks
from orchestration.errors import GoalpostError
from orchestration.settings import EXPECTATIONS, Settings
from orchestration.shortcuts import import_when_used
from orchestration.warehouse import connect

STEPS = ("raw", "staging", "intermediate", "marts")
EXAMPLES = 5
ROWS_QUERY = "unexpected_rows_expectation"


@dataclass(frozen=True)
class Expectation:
    name: str
    severity: str
    notes: str
    type: str
    kwargs: dict[str, Any]


@dataclass(frozen=True)
class Suite:
    """The rules of one table: the step is its schema, the file's name is its table."""

    step: str
    table: str
    expectations: tuple[Expectation, ...]

    @property
    def name(self) -> str:
        return f"{self.step}.{self.table}"


@dataclass(frozen=True)
class CheckResult:
    step: str
    suite: str
    expectation: str
    severity: str
    success: bool
    figures: dict[str, Any]


@cache
def read_suites(step: str, folder: Path = EXPECTATIONS) -> tuple[Suite, ...]:
    """The suites of a step. Raises GoalpostError if a suite or one of its queries cannot be read."""
    return tuple(_read_suite(path, step) for path in sorted((folder / step).glob("*.json")))


def run_steps(settings: Settings, steps: Sequence[str], *, only_changed: bool = False) -> list[CheckResult]:
    """Check every suite of the steps. Only reads the warehouse.

    Raises GoalpostError if a suite cannot be read; lets duckdb.Error and the errors of Great Expectations
    pass.
    """
    suites = tuple(suite for step in steps for suite in read_suites(step))
    found = run_suites(settings, suites, only_changed=only_changed)
    return [result for _, results in found for result in results]


def import_great_expectations() -> None:
    """Import Great Expectations. It takes seconds, which code that only reads suites should not need."""
    os.environ["GX_ANALYTICS_ENABLED"] = "false"
    import_when_used("scipy.stats", "altair")
    import great_expectations  # noqa: F401


def run_suites(
    settings: Settings, suites: tuple[Suite, ...], *, only_changed: bool = False
) -> list[tuple[Suite, list[CheckResult]]]:
    import_great_expectations()
    from orchestration.checks import dialect

    with closing(open_for_checks(settings, _words(suites), only_changed=only_changed)) as connection:
        dialect.OPENED.set(connection)
        return run_with(suites, "duckdb+buffered://")


def run_with(
    suites: tuple[Suite, ...], connection_string: str, **options: Any
) -> list[tuple[Suite, list[CheckResult]]]:
    """Run the suites where the connection string leads. `options`: of Great Expectations' SQL data source."""
    import great_expectations

    context = great_expectations.get_context(mode="ephemeral")
    context.variables.progress_bars = {"globally": False, "metric_calculations": False}  # type: ignore[assignment]
    source = context.data_sources.add_sql(
        "warehouse", connection_string=connection_string, create_temp_table=False, **options
    )
    with warnings.catch_warnings():
        # Great Expectations wants the schema in the connection, but the tables of a step have their own.
        warnings.filterwarnings("ignore", "`schema_name` is deprecated", DeprecationWarning)
        return [(suite, _run_suite(source, suite)) for suite in suites]


def _words(suites: tuple[Suite, ...]) -> dict[str, set[str]]:
    """For each table that the rules read (their own, and those that their queries name): the words of these
    rules, which include their columns; `*` for all columns."""
    found: dict[str, set[str]] = {}
    for suite in suites:
        found.setdefault(suite.name, set())
        for item in suite.expectations:
            rule = str(item.kwargs)
            words = set(re.findall(r"\w+", rule))
            if "*" in rule.replace("(*)", "") or item.type.startswith("expect_table"):
                words.add("*")
            for name in {suite.name, *re.findall(rf"\b(?:control|{'|'.join(STEPS)})\.\w+", rule)}:
                found.setdefault(name, set()).update(words)
    return found


def critical_failures(connection: duckdb.DuckDBPyConnection, run_id: str) -> list[str]:
    """The names of the critical checks of a run that failed. Lets duckdb.Error pass."""
    found = connection.execute(
        "select suite || '.' || expectation as name from control.check_results "
        "where run_id = ? and severity = 'critical' and not success order by name",
        [run_id],
    ).fetchall()
    return [name for (name,) in found]


def refusal(failures: list[str]) -> str:
    return (
        f"Nothing was published, the old marts stay: critical checks failed ({', '.join(failures)}); "
        "`goalpost status` shows what they found, and the rules are in expectations/."
    )


def _read_suite(path: Path, step: str) -> Suite:
    try:
        document = json.loads(path.read_text(encoding="utf-8"))
        expectations = tuple(
            Expectation(
                name=item["meta"]["name"],
                severity=item["severity"],
                notes=item["meta"]["notes"],
                type=item["type"],
                kwargs=_query(path, item["query"]) if "query" in item else item["kwargs"],
            )
            for item in document["expectations"]
        )
    except (ValueError, KeyError) as error:
        raise GoalpostError(
            f"The suite {path} cannot be read ({type(error).__name__}: {error}): each expectation needs "
            "type, kwargs or query, severity and meta with name and notes."
        ) from error
    return Suite(step, path.stem, expectations)


def _query(suite: Path, name: str) -> dict[str, str]:
    """The query in a file. `name`: its path, relative to the folder of the suite."""
    try:
        query = (suite.parent / name).read_text(encoding="utf-8")
    except OSError as error:
        raise GoalpostError(
            f"The suite {suite} names the query {name}, and {suite.parent / name} cannot be read "
            f"({error.strerror})."
        ) from error
    return {"unexpected_rows_query": query.strip().replace("{table}", suite.stem)}


def _run_suite(source: Any, suite: Suite) -> list[CheckResult]:
    from great_expectations import ExpectationSuite
    from great_expectations.expectations.registry import get_expectation_impl

    try:
        asset = source.add_table_asset(suite.name, table_name=suite.table, schema_name=suite.step)
        batch = asset.add_batch_definition_whole_table("all").get_batch()
    except Exception as error:  # a missing table fails its rules, but does not end the step
        return [_result(suite, item, False, {"error": str(error)}) for item in suite.expectations]

    expectations = {
        item.name: get_expectation_impl(item.type)(**item.kwargs, meta={"name": item.name})
        for item in suite.expectations
    }
    together = ExpectationSuite(name=suite.name, expectations=list(expectations.values()))
    summary = {"result_format": "SUMMARY", "partial_unexpected_count": EXAMPLES}
    outcomes = {
        outcome.expectation_config.meta["name"]: outcome
        for outcome in batch.validate(together, result_format=summary).results
    }
    for item in suite.expectations:
        if item.type == ROWS_QUERY and not outcomes[item.name].success:
            # Its rows are only in COMPLETE results, which would list every value for the other types.
            outcomes[item.name] = batch.validate(expectations[item.name], result_format="COMPLETE")
    return [
        _result(suite, item, bool(outcomes[item.name].success), _figures(outcomes[item.name]))
        for item in suite.expectations
    ]


def _result(suite: Suite, item: Expectation, success: bool, figures: dict[str, Any]) -> CheckResult:
    return CheckResult(suite.step, suite.name, item.name, item.severity, success, figures)


def _figures(outcome: Any) -> dict[str, Any]:
    """What a reader needs to act: how many of how many, and a few examples; or why the check could not
    run."""
    found = outcome.result
    figures = {
        name: found[name]
        for name in ("observed_value", "unexpected_count", "element_count")
        if found.get(name) is not None
    }
    details = found.get("details") or {}
    examples = (
        details.get("unexpected_rows") or details.get("mismatched") or found.get("partial_unexpected_list")
    )
    if examples:
        figures["examples"] = examples[:EXAMPLES]
    error = _error(outcome.exception_info)
    if error:
        figures["error"] = error
    return json.loads(json.dumps(figures, default=str))


def _error(exception_info: dict[str, Any]) -> str | None:
    """The error message. Great Expectations nests the exceptions of metrics under their ids."""
    if "exception_message" in exception_info:
        return exception_info["exception_message"]
    return "; ".join(sorted({nested["exception_message"] for nested in exception_info.values()})) or None


def keep_results(
    settings: Settings, steps: Sequence[str], run_id: str, results: Sequence[CheckResult]
) -> None:
    """Keep the results of a run's checks, for publishing and for `goalpost status`.

    Raises GoalpostError if the warehouse cannot be opened; lets duckdb.Error pass.
    """
    with closing(connect(settings)) as connection:
        connection.begin()
        connection.execute(
            "delete from control.check_results where run_id = ? and step in ?", [run_id, list(steps)]
        )
        connection.executemany(
            "insert into control.check_results values (?, ?, ?, ?, ?, ?, ?, now()::timestamp)",
            [
                [
                    run_id,
                    result.step,
                    result.suite,
                    result.expectation,
                    result.severity,
                    result.success,
                    json.dumps(result.figures),
                ]
                for result in results
            ],
        )
        connection.commit()
