"""One run, as a Dagster resource: what it is asked to do, that it is alone, and what became of it.

Belongs here: the config of the job, the writer's lock around it, its row in control.runs. Does not: any step.
"""

from collections.abc import Iterator
from contextlib import closing, contextmanager

from dagster import ConfigurableResource, HookContext, InitResourceContext, failure_hook
from pydantic import Field, PrivateAttr

from orchestration import clock, modes, runs
from orchestration.checks.suites import critical_failures, refusal
from orchestration.defs import checks_process, dbt_process
from orchestration.errors import GoalpostError
from orchestration.publish import Prepared, prepare
from orchestration.settings import Settings
from orchestration.warehouse import connect, single_writer

# Every op that opens the warehouse is in this pool, whose limit is 1 (dagster.yaml); the writer's lock, which
# the command line takes too, stands behind it.
WAREHOUSE_POOL = "warehouse"


class GoalpostRun(ConfigurableResource):
    """The command line, the sensor and the schedule start the same job: they differ in this config only."""

    as_of: str | None = Field(
        None,
        description="Reports count what happened until then (ISO 8601). Default: where the clock of the home "
        "is pinned, or else now.",
    )
    full_refresh: bool = Field(
        False, description="Compute everything anew instead of what the new rows change."
    )
    landing: str | None = Field(
        None, description="Folder or URL of the landed files. Default: GOALPOST_LANDING."
    )

    _run: runs.Run = PrivateAttr()
    _prepared: Prepared | None = PrivateAttr(None)

    @property
    def settings(self) -> Settings:
        return Settings(landing=self.landing) if self.landing else Settings()

    @property
    def run_id(self) -> str:
        return self._run.run_id

    @property
    def is_full_refresh(self) -> bool:
        return self._run.is_full_refresh

    @property
    def dbt(self) -> dbt_process.WaitingDbt:
        return dbt_process.started(self.settings)

    @property
    def prepared(self) -> Prepared | None:
        return self._prepared

    def prepare_publishing(self) -> None:
        self._prepared = prepare(self.settings)

    @contextmanager
    def yield_for_execution(self, context: InitResourceContext) -> Iterator["GoalpostRun"]:
        """The in-process executor makes resources once a run: nobody else writes from first step to last."""
        with single_writer(self.settings):
            modes.tighten(self.settings)
            self._run = runs.start_run(
                self.settings,
                context.run_id or "",
                as_of=runs.read_moment(self.as_of) if self.as_of else None,
                full_refresh=self.full_refresh,
            )
            self._prepared = None
            if context.log:
                context.log.info(
                    clock.sentence(self.settings) or f"This run counts until {clock.told(self._run.as_of)}."
                )
            dbt_process.start(self.settings)
            checks_process.start(self.settings)
            try:
                yield self
            finally:
                dbt_process.end(self.settings)
                checks_process.end(self.settings)
                # publishing or a failed step has finished it already, unless neither was part of it
                runs.finish_run(
                    self.settings,
                    self.run_id,
                    "failed",
                    "The run ended before it published: start `goalpost run` again, it carries on.",
                )


@failure_hook(required_resource_keys={"run"})
def keep_reason(context: HookContext) -> None:
    """`goalpost status` tells why the last run failed, whoever started it."""
    run: GoalpostRun = context.resources.run
    runs.finish_run(
        run.settings, run.run_id, "failed", reason(run, f"The step {context.op.name}", context.op_exception)
    )


def reason(run: GoalpostRun, what: str, error: BaseException | None) -> str:
    if isinstance(error, GoalpostError):
        return str(error)
    with closing(connect(run.settings, read_only=True)) as connection:
        failures = critical_failures(connection, run.run_id)
    if failures:
        return refusal(failures)
    return f"{what} failed: {type(error).__name__}: {runs.one_line(str(error))}"
