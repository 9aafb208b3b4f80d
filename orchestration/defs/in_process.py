"""The job in this process, for the command line: the same that Dagster runs, with other words.

Belongs here: executing it and telling how far it is. Does not: what is said before and after (cli.py).
"""

import logging
from contextlib import redirect_stderr, redirect_stdout

from dagster import DagsterEventType, InitLoggerContext, RunConfig, logger
from rich.console import Console
from rich.status import Status

from orchestration import runs
from orchestration.defs.instance import forget_dead_runs, open_instance
from orchestration.defs.run import GoalpostRun
from orchestration.errors import GoalpostError
from orchestration.settings import Settings
from orchestration.warehouse import single_writer

PROGRESS = "goalpost.progress"
STEPS = {
    "landed_files": "Landing new files",
    "raw_checks": "Checking what landed",
    "models": "Building the models",
    "model_checks": "Checking the models",
    "published_marts": "Publishing the marts",
}


@logger
def progress(_: InitLoggerContext) -> logging.Logger:
    """Chosen by `run_job`, which listens to it."""
    found = logging.getLogger(PROGRESS)
    found.propagate = False
    found.setLevel(logging.DEBUG)
    return found


class Progress(logging.Handler):
    """A line for each step that is done and each warning; on a terminal also what is going on."""

    def __init__(self, console: Console, status: Status) -> None:
        super().__init__()
        self.console, self.status = console, status

    def emit(self, record: logging.LogRecord) -> None:
        meta = record.dagster_meta  # type: ignore[attr-defined]
        step, event = STEPS.get(meta["step_key"] or ""), meta["dagster_event"]
        if step and event is None and record.levelno == logging.WARNING:
            self.console.print(meta["orig_message"], style="yellow", markup=False, soft_wrap=True)
        elif step and event and event.event_type == DagsterEventType.STEP_START:
            self.status.update(f"{step} ...")
        elif step and event and event.event_type == DagsterEventType.ASSET_MATERIALIZATION:
            self.status.update(f"{step} ... {event.asset_key.path[-1]}")
        elif step and event and event.event_type == DagsterEventType.STEP_SUCCESS:
            seconds = event.step_success_data.duration_ms / 1000
            self.console.print(f"{step}: done in {seconds:.1f} s", highlight=False)


def run_job(settings: Settings, config: GoalpostRun, console: Console) -> str:
    """Execute the job; its run id, or a GoalpostError that says why it failed."""
    log = settings.logs / "run.log"
    log.parent.mkdir(exist_ok=True)
    # Loading the definitions prepares the dbt manifest: seconds, the first time.
    with console.status("Starting ...") as status, open_instance(settings) as instance:
        with single_writer(settings):
            forget_dead_runs(instance)
        from orchestration.definitions import defs

        job = defs.resolve_job_def("goalpost")
        run_config = RunConfig(resources={"run": config}, loggers={"progress": {}})
        listener = Progress(console, status)
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
        raise GoalpostError(runs.message(settings, result.run_id) or f"The run failed: see {log}.")
    return result.run_id
