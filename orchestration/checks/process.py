"""The process that checks run in: it imports Great Expectations, which takes seconds, while the run does
something else.

Belongs here: starting it, asking it, its main program. Does not: checking (checks/); anything of Dagster, so
that the command line can start it before that is imported.
"""

import os
import pickle
import subprocess
import sys
import traceback
from collections.abc import Sequence
from contextlib import suppress

from orchestration.checks.suites import CheckResult, import_great_expectations, run_steps
from orchestration.errors import GoalpostError
from orchestration.faults import told
from orchestration.processes import end_with_parent, with_parent
from orchestration.settings import Settings
from orchestration.shortcuts import collect_rarely, leave

_waiting: dict[Settings, subprocess.Popen[bytes]] = {}


def start(settings: Settings) -> None:
    """As soon as a run is certain; again is nothing."""
    if settings not in _waiting:
        settings.logs.mkdir(exist_ok=True)
        with (settings.logs / "checks.log").open("w", encoding="utf-8") as log:
            _waiting[settings] = subprocess.Popen(
                [sys.executable, "-m", __name__],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=log,
                env=os.environ | with_parent(),
            )


def ask(settings: Settings, steps: Sequence[str], *, only_changed: bool) -> None:
    """It checks while the run does something else."""
    start(settings)
    stdin = _waiting[settings].stdin
    assert stdin
    with suppress(BrokenPipeError):  # what it died of, `answer` tells
        pickle.dump((settings, steps, only_changed), stdin)
        stdin.flush()


def answer(settings: Settings) -> list[CheckResult]:
    """What `run_steps` returned or raised there."""
    stdout = _waiting[settings].stdout
    assert stdout
    try:
        found = pickle.load(stdout)
    except EOFError:
        end(settings)
        raise GoalpostError(
            f"The process of the checks ended before they did: {settings.logs / 'checks.log'} tells why."
        ) from None
    if isinstance(found, GoalpostError):
        raise found
    return found


def end(settings: Settings) -> None:
    if process := _waiting.pop(settings, None):
        process.kill()
        process.wait()
        for pipe in (process.stdin, process.stdout):
            if pipe:
                with suppress(BrokenPipeError):
                    pipe.close()


def main() -> None:
    end_with_parent()
    collect_rarely()
    answers = os.fdopen(os.dup(sys.stdout.fileno()), "wb")
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())  # whatever is printed is no answer
    import_great_expectations()
    with suppress(EOFError):
        while True:
            settings, steps, only_changed = pickle.load(sys.stdin.buffer)
            pickle.dump(_checked(settings, steps, only_changed), answers)
            answers.flush()
    leave(0)


def _checked(
    settings: Settings, steps: Sequence[str], only_changed: bool
) -> list[CheckResult] | GoalpostError:
    try:
        return run_steps(settings, steps, only_changed=only_changed)
    except GoalpostError as error:
        return error
    except Exception as error:
        traceback.print_exc()
        return GoalpostError(told(error, settings) or f"Checking failed: {type(error).__name__}: {error}")


if __name__ == "__main__":
    main()
