"""One run, as a Dagster resource: what it should do, that it is the only writer, and its outcome.

Belongs here: the config of the job, the writer's lock around it, its row in control.runs. Does not: any step.
"""

import json
from collections.abc import Iterator
from contextlib import closing, contextmanager
from typing import ClassVar

from dagster import (
    AssetKey,
    ConfigurableResource,
    DagsterRun,
    Definitions,
    Failure,
    HookContext,
    InitResourceContext,
    failure_hook,
)
from pydantic import Field, PrivateAttr

from orchestration import alerts, clock, dbt_process, modes, runs
from orchestration.checks import process as checks_process
from orchestration.checks.suites import critical_failures, refusal
from orchestration.erasure import carry_on
from orchestration.errors import GoalpostError
from orchestration.faults import told
from orchestration.publish import Prepared, marts_are_as_published, prepare
from orchestration.repair import replay
from orchestration.selection import recompute_moments
from orchestration.settings import Settings
from orchestration.warehouse import connect, mend, single_writer

PUBLISHED = AssetKey("published_marts")


class GoalpostRun(ConfigurableResource):
    """The command line, the sensor and the schedule start the same job: they differ only in this config."""

    # Set by definitions.py, the only module that knows all assets and checks; it imports this module.
    definitions: ClassVar[Definitions | None] = None

    as_of: str | None = Field(
        None,
        description="Reports count what happened until then (ISO 8601). Default: where the clock of the home "
        "is pinned, or else now.",
    )
    full_refresh: bool = Field(False, description="Recompute everything instead of what the new rows change.")
    landing: str | None = Field(
        None, description="Folder or URL of the landed files. Default: GOALPOST_LANDING."
    )

    replay_since: str | None = Field(
        None,
        description="Take in again every file that landed at or after this time (ISO 8601, UTC), and "
        "recompute what it concerns. Default: only new files.",
    )

    _run: runs.StartedRun | None = PrivateAttr(None)
    _refusal: str | None = PrivateAttr(None)
    _prepared: Prepared | None = PrivateAttr(None)
    _marts_were_as_published: bool = PrivateAttr(False)

    @property
    def settings(self) -> Settings:
        return Settings(landing=self.landing) if self.landing else Settings()

    @property
    def is_partial(self) -> bool:
        """Were assets or checks selected in the UI? Then this takes in no new rows, publishes nothing, and is
        not recorded in control.runs. The next run rebuilds and publishes what it builds
        (docs/increments.md)."""
        return self._run is None

    @property
    def started(self) -> runs.StartedRun:
        assert self._run is not None, "only a whole run has begun"
        return self._run

    @property
    def run_id(self) -> str:
        return self.started.run_id

    @property
    def is_full_refresh(self) -> bool:
        return self.started.is_full_refresh

    @property
    def checks_only_changed(self) -> bool:
        return not (self.is_partial or self.is_full_refresh or self.started.rebuild.checks_everything)

    def refuse_what_cannot_be_right(self) -> None:
        """Raises Failure if this selection is refused. Every step calls it first, so that nothing is done
        before. Dagster shows only the sentence."""
        if self._refusal:
            raise Failure(self._refusal, allow_retries=False)

    @property
    def dbt(self) -> dbt_process.WaitingDbt:
        return dbt_process.started(self.settings, in_run=not self.is_partial)

    @property
    def prepared(self) -> Prepared | None:
        return self._prepared

    def prepare_publishing(self) -> None:
        manifest = json.loads(dbt_process.manifest_path(self.settings).read_bytes())
        is_in_part = self._marts_were_as_published and not self.is_full_refresh
        self._prepared = prepare(
            self.settings,
            recompute_moments(manifest),
            rebuilt=self.started.rebuild.models if is_in_part else None,
        )

    @contextmanager
    def yield_for_execution(self, context: InitResourceContext) -> Iterator["GoalpostRun"]:
        """Hold the writer's lock for the whole run: the in-process executor creates resources once per run,
        so no other process writes from the first step to the last."""
        with single_writer(self.settings):
            modes.tighten(self.settings)
            for done in mend(self.settings):
                if context.log:
                    context.log.warning(done)
            self._run, self._refusal, self._prepared = None, None, None
            if not is_whole(context.run, self.definitions):
                if context.run and PUBLISHED in (context.run.asset_selection or ()):
                    self._refusal = PARTS_ARE_NOT_PUBLISHED
                connect(self.settings).close()  # creates the tables that a step expects
                try:
                    yield self
                finally:
                    dbt_process.end(self.settings)
                    checks_process.end(self.settings)
                return
            if self.replay_since:
                replay(self.settings, runs.read_moment(self.replay_since))
            carry_on(self.settings)
            self._marts_were_as_published = marts_are_as_published(self.settings)
            self._run = runs.start_run(
                self.settings,
                context.run_id or "",
                as_of=runs.read_moment(self.as_of) if self.as_of else None,
                full_refresh=self.full_refresh,
                manifest=dbt_process.manifest_path(self.settings),
            )
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
                # publishing or a failed step has already finished the run, unless neither happened
                runs.finish_run(
                    self.settings,
                    self.run_id,
                    "failed",
                    "The run ended before it published: start `goalpost run` again, it carries on.",
                )
                alerts.look(self.settings)


PARTS_ARE_NOT_PUBLISHED = (
    "published_marts publishes what one run has built and checked, so it cannot be chosen without all the "
    "others: launch the job `goalpost`, or materialize all assets with their checks."
)


def is_whole(run: DagsterRun | None, definitions: Definitions | None) -> bool:
    """Does the run include every asset and every check? (A retry from a failed step does not execute all of
    them, but is whole too: the earlier steps succeeded.)"""
    if run is None or (not run.asset_selection and run.asset_check_selection is None):
        return True
    assert definitions
    graph = definitions.resolve_asset_graph()
    assets, checks = run.asset_selection or set(), run.asset_check_selection
    return graph.materializable_asset_keys <= assets and (checks is None or graph.asset_check_keys <= checks)


@failure_hook(required_resource_keys={"run"})
def keep_reason(context: HookContext) -> None:
    """Record why a run failed, for `goalpost status`, however the run was started."""
    run: GoalpostRun = context.resources.run
    if run.is_partial:
        return
    runs.finish_run(
        run.settings, run.run_id, "failed", reason(run, f"The step {context.op.name}", context.op_exception)
    )


def reason(run: GoalpostRun, what: str, error: BaseException | None) -> str:
    if isinstance(error, Failure) and error.description:
        return error.description
    if isinstance(error, GoalpostError):
        return str(error)
    if error and (sentence := told(error, run.settings)):
        return sentence
    with closing(connect(run.settings, read_only=True)) as connection:
        failures = critical_failures(connection, run.run_id)
    if failures:
        return refusal(failures)
    return f"{what} failed: {type(error).__name__}: {runs.one_line(str(error))}"
