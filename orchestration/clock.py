"""The clock of the reports, as_of: when a run counts until, and the pin that a home can keep it at.

Belongs here: the pin, a file in the home, and what it means for a run. Does not: its commands
(clock_commands.py), what counts (the models read control.clock), the history of runs (runs.py).

A file and no table: every process that starts a run reads it (command line, sensor, schedule, Dagster's UI),
so does whoever looks while a run writes, and it stays if the warehouse is recomputed.
"""

import os
from datetime import UTC, datetime

from orchestration.errors import GoalpostError
from orchestration.modes import create_home
from orchestration.settings import Settings


def read_moment(text: str) -> datetime:
    """ISO 8601; without an offset it is UTC, as everywhere. Raises GoalpostError if it is no time."""
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise GoalpostError(
            f"as_of {text!r} is no time: write it as ISO 8601, "
            "for example 2026-11-22 or 2026-11-22T09:30:00Z."
        ) from None
    return _utc(moment)


def pinned(settings: Settings) -> datetime | None:
    """Where the clock of the home is pinned (UTC); None: it is not.

    Raises GoalpostError if the file that says so cannot be read.
    """
    try:
        written = settings.pinned_clock.read_text("utf-8").strip()
    except FileNotFoundError:
        return None
    except (OSError, UnicodeDecodeError) as error:
        raise _broken(settings, str(error)) from None
    try:
        return read_moment(written)
    except GoalpostError:
        raise _broken(settings, f"it says {written[:40]!r}, which is no time") from None


def pin(settings: Settings, moment: datetime) -> None:
    """From the next run on every run counts until then (UTC, unless it says its offset).

    Raises GoalpostError if there can be no home, OSError if the file cannot be written.
    """
    create_home(settings)
    unfinished = settings.pinned_clock.with_suffix(".unfinished")
    unfinished.write_text(f"{_utc(moment).isoformat()}Z\n", "utf-8")
    os.replace(unfinished, settings.pinned_clock)


def unpin(settings: Settings) -> None:
    settings.pinned_clock.unlink(missing_ok=True)


def as_of_of_a_run(settings: Settings, asked: datetime | None) -> datetime | None:
    """The moment that a run counts until; None: its start. A pinned home says it.

    Raises GoalpostError if another moment is asked for in a pinned home: the next run would undo that run.
    """
    moment = pinned(settings)
    if moment and asked and asked != moment:
        raise GoalpostError(
            f"The clock of {settings.home} is pinned at {told(moment)}, so a run cannot count until "
            f"{told(asked)}: `goalpost clock pin {asked.isoformat()}` moves it, `goalpost clock unpin` "
            "releases it."
        )
    return moment or asked


def now() -> datetime:
    return _utc(datetime.now(UTC))


def told(moment: datetime) -> str:
    return f"{moment:%Y-%m-%d %H:%M:%S} UTC"


def sentence(settings: Settings) -> str:
    """Of the pin, for whoever starts a run or looks at the home; empty if there is none.

    Raises GoalpostError as `pinned` does.
    """
    moment = pinned(settings)
    return f"The clock of this home is pinned: every run counts until {told(moment)}." if moment else ""


def _utc(moment: datetime) -> datetime:
    return moment.astimezone(UTC).replace(tzinfo=None) if moment.tzinfo else moment


def _broken(settings: Settings, why: str) -> GoalpostError:
    return GoalpostError(
        f"{settings.pinned_clock} says where this home's clock is pinned and cannot be read ({why}): "
        "`goalpost clock pin TIME` writes it again, `goalpost clock unpin` removes it."
    )
