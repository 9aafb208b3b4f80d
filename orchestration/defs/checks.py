"""The Great Expectations suites as asset checks: each expectation is one check, its figures are the metadata.

Belongs here: the checks, and which of them block. Does not: the rules (expectations/) or their run (checks/).
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from dagster import (
    AssetCheckExecutionContext,
    AssetCheckKey,
    AssetCheckResult,
    AssetCheckSeverity,
    AssetCheckSpec,
    AssetKey,
    multi_asset_check,
)

from orchestration.checks import process as checks_process
from orchestration.checks.suites import STEPS, CheckResult, keep_results, read_suites
from orchestration.defs.progress import tell
from orchestration.defs.run import GoalpostRun

SEVERITIES = {"critical": AssetCheckSeverity.ERROR, "warning": AssetCheckSeverity.WARN}

# A blocking check holds back what is downstream of its asset. Staging and intermediate tables are built by
# the same dbt process as what is downstream of them (a second one would cost its start-up), so their checks
# cannot: publishing refuses by itself when one of them fails.
BLOCKING_STEPS = ("raw", "marts")


def check_specs(step: str) -> list[AssetCheckSpec]:
    return [
        AssetCheckSpec(
            item.name,
            asset=AssetKey([step, suite.table]),
            description=item.notes,
            blocking=step in BLOCKING_STEPS and item.severity == "critical",
            metadata={"suite": suite.name, "rule": item.kwargs},
        )
        for suite in read_suites(step)
        for item in suite.expectations
    ]


def as_asset_check(result: CheckResult) -> AssetCheckResult:
    return AssetCheckResult(
        asset_key=AssetKey(result.suite.split(".")),
        check_name=result.expectation,
        passed=result.success,
        severity=SEVERITIES[result.severity],
        metadata=public(result.figures),
    )


def public(figures: Mapping[str, Any]) -> dict[str, int | float | str]:
    """What may be in Dagster's event log: numbers. Values and examples of rows name people, they stay in
    control.check_results, which only the owner of the home reads."""
    numbers = {name: figure for name, figure in figures.items() if isinstance(figure, int | float)}
    details = {"details": "`goalpost status` shows what it found"} if figures.keys() - numbers.keys() else {}
    return numbers | details


def report(
    context: AssetCheckExecutionContext, run: GoalpostRun, steps: Sequence[str]
) -> Iterator[AssetCheckResult]:
    """What was found, of the checks that were chosen. (All are run: most of the time is getting ready.)"""
    results = checks_process.answer(run.settings)
    if not run.is_partial:
        keep_results(run.settings, steps, run.run_id, results)
    chosen = [
        check
        for check in map(as_asset_check, results)
        if check_key(check) in context.selected_asset_check_keys
    ]
    passed = sum(check.passed for check in chosen)
    context.log.info(f"{passed} of {len(chosen)} checks passed")
    tell(passed, len(chosen), "checks passed")
    yield from chosen


def check_key(check: AssetCheckResult) -> AssetCheckKey:
    assert check.asset_key and check.check_name
    return AssetCheckKey(check.asset_key, check.check_name)


@multi_asset_check(name="raw_checks", specs=check_specs("raw"), can_subset=True)
def raw_checks(context: AssetCheckExecutionContext, run: GoalpostRun) -> Iterator[AssetCheckResult]:
    run.refuse_what_cannot_be_right()
    tell(0, sum(len(suite.expectations) for suite in read_suites("raw")), "checks")
    checks_process.ask(run.settings, ["raw"], only_changed=run.checks_only_changed)
    yield from report(context, run, ["raw"])


# One op for what the one dbt process builds: publishing, which waits for the checks of the marts, then waits
# for all of them.
@multi_asset_check(
    name="model_checks",
    specs=[spec for step in STEPS[1:] for spec in check_specs(step)],
    can_subset=True,
)
def model_checks(context: AssetCheckExecutionContext, run: GoalpostRun) -> Iterator[AssetCheckResult]:
    run.refuse_what_cannot_be_right()
    tell(0, sum(len(suite.expectations) for step in STEPS[1:] for suite in read_suites(step)), "checks")
    checks_process.ask(run.settings, STEPS[1:], only_changed=run.checks_only_changed)
    if not run.is_partial:
        run.prepare_publishing()  # meanwhile
    yield from report(context, run, STEPS[1:])
