"""The job in this process, for the command line: the same job that Dagster runs, with its own messages.

Belongs here: executing it. Does not: reporting its progress (defs/progress.py), what is printed before and
after (cli.py).
"""

import logging
from contextlib import redirect_stderr, redirect_stdout, suppress

import duckdb
from dagster import DagsterEvent, ExecuteInProcessResult
from rich.console import Console

from orchestration import runs
from orchestration.dagster_instance import (
    IN_CODE_LOCATION,
    forget_dead_runs,
    open_instance,
    renew_broken_history,
    show_in_timeline,
)
from orchestration.defs.progress import PROGRESS, Progress
from orchestration.defs.run import GoalpostRun
from orchestration.errors import GoalpostError
from orchestration.faults import told
from orchestration.locks import holder
from orchestration.settings import Settings
from orchestration.terminal import say


def run_job(settings: Settings, config: GoalpostRun, console: Console) -> str:
    """Execute the job, under the writer's lock, and return its run id.

    Raises GoalpostError, which says why, if the job failed.
    """
    log = settings.logs / "run.log"
    log.parent.mkdir(exist_ok=True)
    dev = holder(settings.dev_lock)
    if done := renew_broken_history(settings, used_by=dev):
        say(console, done, "yellow")
    # Loading the definitions prepares the dbt manifest: seconds, the first time.
    with console.status("Starting ...") as status, open_instance(settings) as instance:
        listener = Progress(console, status)
        if dev is None:  # `goalpost dev` forgets its own dead runs
            forget_dead_runs(instance)
        from orchestration.definitions import defs

        job = defs.resolve_job_def("goalpost")
        run_config = {name: value for name, value in config if value is not None}
        logging.getLogger(PROGRESS).addHandler(listener)
        try:
            # The output of dbt and Great Expectations goes to a file.
            with log.open("w", encoding="utf-8") as output, redirect_stdout(output), redirect_stderr(output):
                result = job.execute_in_process(
                    instance=instance, run_config=run_config, raise_on_error=False, tags=IN_CODE_LOCATION
                )
        finally:
            logging.getLogger(PROGRESS).removeHandler(listener)
        show_in_timeline(instance, result.run_id)
    if not result.success:
        raise GoalpostError(_why(settings, result) or f"The run failed: see {log}.")
    return result.run_id


def _why(settings: Settings, result: ExecuteInProcessResult) -> str | None:
    """The recorded reason of the failure; if none could be recorded, that of the first error."""
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
