"""The job in this process, for the command line: the same that Dagster runs, with other words.

Belongs here: executing it. Does not: telling how far it is (progress.py), what is said before and after
(cli.py).
"""

import logging
from contextlib import redirect_stderr, redirect_stdout

from dagster import RunConfig
from rich.console import Console

from orchestration import runs
from orchestration.defs.instance import forget_dead_runs, open_instance
from orchestration.defs.progress import PROGRESS, Progress
from orchestration.defs.run import GoalpostRun
from orchestration.errors import GoalpostError
from orchestration.settings import Settings
from orchestration.warehouse import single_writer


def run_job(settings: Settings, config: GoalpostRun, console: Console) -> str:
    """Execute the job; its run id, or a GoalpostError that says why it failed."""
    log = settings.logs / "run.log"
    log.parent.mkdir(exist_ok=True)
    # Loading the definitions prepares the dbt manifest: seconds, the first time.
    with console.status("Starting ...") as status, open_instance(settings) as instance:
        listener = Progress(console, status)
        with single_writer(settings):
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
        raise GoalpostError(runs.message(settings, result.run_id) or f"The run failed: see {log}.")
    return result.run_id
