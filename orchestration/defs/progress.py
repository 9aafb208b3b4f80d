"""The progress of a run in this process, for the user at the terminal.

Belongs here: the lines of the steps, and the counts. Does not: executing the job (in_process.py).
"""

import logging
import time

from dagster import DagsterEventType, InitLoggerContext, logger
from rich.console import Console
from rich.status import Status
from rich.text import Text

from orchestration import STARTED_AT
from orchestration.terminal import say, text

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
    """The logger that `run_job` selects and listens to."""
    found = logging.getLogger(PROGRESS)
    found.propagate = False
    found.setLevel(logging.DEBUG)
    found.addHandler(logging.NullHandler())  # in a run of the web UI nobody listens
    return found


def tell(done: int, total: int, noun: str, name: str = "") -> None:
    """Report progress from inside a step: how many are done, of how many, and which is next. It also works if
    nothing listens."""
    logging.getLogger(PROGRESS).info(noun, extra={"counts": (done, total, noun, name)})


class Waiting:
    """What the run is doing, and for how long: updated each time the terminal is drawn."""

    def __init__(self) -> None:
        self.what, self.since = "Getting ready", STARTED_AT

    def now(self, what: str) -> None:
        self.what, self.since = what, time.monotonic()

    def __rich__(self) -> Text:
        return text(f"{self.what} ... {time.monotonic() - self.since:.0f} s")


class Progress(logging.Handler):
    """Prints a line for each finished step and each warning; on a terminal, also the current step."""

    def __init__(self, console: Console, status: Status) -> None:
        super().__init__()
        self.console, self.waiting = console, Waiting()
        self.step: str | None = None
        self.done, self.total, self.noun = 0, 0, ""
        status.update(self.waiting)

    def emit(self, record: logging.LogRecord) -> None:
        if counts := getattr(record, "counts", None):
            self.done, self.total, self.noun, name = counts
            self._show(name)
            return
        meta = record.dagster_meta  # type: ignore[attr-defined]
        step, event = STEPS.get(meta["step_key"] or ""), meta["dagster_event"]
        if step and event is None and record.levelno == logging.WARNING:
            say(self.console, meta["orig_message"], "yellow")
        elif step and event and event.event_type == DagsterEventType.STEP_START:
            if self.step is None:
                say(self.console, f"Getting ready: done in {time.monotonic() - STARTED_AT:.1f} s")
            self.step, self.done, self.total, self.noun = step, 0, 0, ""
            self.waiting.now(step)
        elif step and event and event.event_type == DagsterEventType.ASSET_MATERIALIZATION:
            is_built = "rebuilt" not in event.step_materialization_data.materialization.metadata
            if self.noun == "models" and is_built:
                self.done += 1
                self._show(event.asset_key.path[-1])
        elif step and event and event.event_type == DagsterEventType.STEP_SUCCESS:
            seconds = event.step_success_data.duration_ms / 1000
            say(self.console, f"{step}: {self._counted() or 'done'} in {seconds:.1f} s")

    def _show(self, name: str) -> None:
        self.waiting.what = f"{self.step}: {self._counted()}{f' ({name})' if name else ''}"

    def _counted(self) -> str:
        return f"{self.done:,} of {self.total:,} {self.noun}" if self.total else ""
