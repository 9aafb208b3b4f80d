"""The job in this process, for the command line: the same that Dagster runs, with other words.

Belongs here: executing it. Does not: telling how far it is (defs/progress.py), what is said before and after
(cli.py).
"""

import logging
from contextlib import redirect_stderr, redirect_stdout, suppress

import duckdb
from dagster import DagsterEvent, ExecuteInProcessResult, RunConfig
from rich.console import Console

from orchestration import runs
from orchestration.dagster_instance import forget_dead_runs, open_instance, renew_broken_history
from orchestration.defs.progress import PROGRESS, Progress
from orchestration.defs.run import GoalpostRun
from orchestration.errors import GoalpostError
from orchestration.faults import told
from orchestration.locks import holder
from orchestration.settings import Settings
from orchestration.terminal import say


def run_job(settings: Settings, config: GoalpostRun, console: Console) -> str:
    """Execute the job, under the writer's lock; its run id, or a GoalpostError that says why it failed."""
    log = settings.logs / "run.log"
    log.parent.mkdir(exist_ok=True)
    dev = holder(settings.dev_lock)
    if done := renew_broken_history(settings, used_by=dev):
        say(console, done, "yellow")
    # Loading the definitions prepares the dbt manifest: seconds, the first time.
    with console.status("Starting ...") as status, open_instance(settings) as instance:
        listener = Progress(console, status)
        if dev is None:  # it forgets its own
            forget_dead_runs(instance)
        from orchestration.definitions import defs

        job = defs.resolve_job_def("goalpost")
        run_config = RunConfig(resources={"run": config}, loggers={"progress": {}})
        logging.getLogger(PROGRESS).addHandler(listener)
        try:
            # dbt and Great Expectations print; that belongs into a file.
            with log.open("w", encoding="utf-8") as output, redirect_stdout(output), redirect_stderr(output):
                result = job.execute_in_process(
                    instance=instance, run_config=run_config, raise_on_error=False
                )
        finally:
            logging.getLogger(PROGRESS).removeHandler(listener)
    if not result.success:
        raise GoalpostError(_why(settings, result) or f"The run failed: see {log}.")
    return result.run_id


def _why(settings: Settings, result: ExecuteInProcessResult) -> str | None:
    """The reason that the run was recorded with; where it could not be, the first error's."""
    reason = None
    with suppress(GoalpostError, duckdb.Error):
        reason = runs.message(settings, result.run_id)
    errors = [_first_cause(event) for event in result.all_events if event.is_failure]
    if reason or not errors:
        return reason
    kind, _, text = runs.one_line(errors[0]).partition(": ")
    is_sentence = kind.rpartition(".")[2] in ("GoalpostError", "Held", "WarehouseHeld")
    return text if is_sentence else told(errors[0], settings) or runs.one_line(errors[0])


def _first_cause(event: DagsterEvent) -> str:
    error = getattr(event.event_specific_data, "error", None)
    while error and error.cause:
        error = error.cause
    return error.message if error else ""
