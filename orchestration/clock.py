"""The clock of the reports, as_of: the moment until which a run counts, and the pin that can fix it for a
home.

Belongs here: the pin, a file in the home, and what it means for a run. Does not: its commands
(clock_commands.py), what counts (the models read control.clock), the history of runs (runs.py).

The pin is a file, not a table. Every process that starts a run reads it (command line, sensor, schedule,
Dagster's UI), it can be read while a run writes, and it stays if the warehouse is recomputed.
"""

import os
from datetime import UTC, datetime

from orchestration.errors import GoalpostError
from orchestration.modes import create_home
from orchestration.settings import Settings


def read_moment(text: str) -> datetime:
    """Read an ISO 8601 time; without an offset, it is UTC. Raises GoalpostError if the text is not a time."""
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise GoalpostError(
            f"as_of {text!r} is not a time: write it as ISO 8601, "
            "for example 2026-11-22 or 2026-11-22T09:30:00Z."
        ) from None
    return _utc(moment)


def pinned(settings: Settings) -> datetime | None:
    """The moment at which the clock of the home is pinned (UTC); None if it is not pinned.

    Raises GoalpostError if the file of the pin cannot be read.
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
        raise _broken(settings, f"it says {written[:40]!r}, which is not a time") from None


def pin(settings: Settings, moment: datetime) -> None:
    """Pin the clock: from the next run on, every run counts until this moment (UTC, unless it has an offset).

    Raises GoalpostError if the home cannot be created, OSError if the file cannot be written.
    """
    create_home(settings)
    unfinished = settings.pinned_clock.with_suffix(".unfinished")
    unfinished.write_text(f"{_utc(moment).isoformat()}Z\n", "utf-8")
    os.replace(unfinished, settings.pinned_clock)


def unpin(settings: Settings) -> None:
    settings.pinned_clock.unlink(missing_ok=True)


def as_of_of_a_run(settings: Settings, asked: datetime | None) -> datetime | None:
    """The moment until which a run counts; None: its start. If the clock is pinned, the pinned moment.

    Raises GoalpostError if `asked` is another moment than the pinned one (the next run would undo that run),
    or the file of the pin cannot be read.
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
    """The sentence about the pin, for users who start a run or look at the home; empty if there is no pin.

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
