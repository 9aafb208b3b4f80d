"""The Great Expectations suites as asset checks: each expectation is one check, its figures are the metadata.

Belongs here: the checks, and which of them block. Does not: the rules (expectations/) or their run (checks/).
"""

from collections.abc import Iterator, Sequence

from dagster import (
    AssetCheckExecutionContext,
    AssetCheckKey,
    AssetCheckResult,
    AssetCheckSeverity,
    AssetCheckSpec,
    AssetKey,
    multi_asset_check,
)

from orchestration.checks.suites import STEPS, CheckResult, keep_results, read_suites
from orchestration.defs import checks_process
from orchestration.defs.run import WAREHOUSE_POOL, GoalpostRun

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
        metadata=result.figures,
    )


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
    context.log.info(f"{sum(check.passed for check in chosen)} of {len(chosen)} checks passed")
    yield from chosen


def check_key(check: AssetCheckResult) -> AssetCheckKey:
    assert check.asset_key and check.check_name
    return AssetCheckKey(check.asset_key, check.check_name)


@multi_asset_check(name="raw_checks", specs=check_specs("raw"), pool=WAREHOUSE_POOL, can_subset=True)
def raw_checks(context: AssetCheckExecutionContext, run: GoalpostRun) -> Iterator[AssetCheckResult]:
    run.refuse_what_cannot_be_right()
    checks_process.ask(run.settings, ["raw"], only_changed=run.checks_only_changed)
    yield from report(context, run, ["raw"])


# One op for what the one dbt process builds: publishing, which waits for the checks of the marts, then waits
# for all of them.
@multi_asset_check(
    name="model_checks",
    specs=[spec for step in STEPS[1:] for spec in check_specs(step)],
    pool=WAREHOUSE_POOL,
    can_subset=True,
)
def model_checks(context: AssetCheckExecutionContext, run: GoalpostRun) -> Iterator[AssetCheckResult]:
    run.refuse_what_cannot_be_right()
    checks_process.ask(run.settings, STEPS[1:], only_changed=run.checks_only_changed)
    if not run.is_partial:
        run.prepare_publishing()  # meanwhile
    yield from report(context, run, STEPS[1:])
