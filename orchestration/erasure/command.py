"""`goalpost forget …`: the order of the steps of an erasure, and what is printed.

Belongs here: arguments, the runs before and after, printing. Does not: what is erased (erase.py). Nothing
here may write who is erased into a file: not into a log, not into the config or the tags of a run.
"""

from collections.abc import Callable
from pathlib import Path
from typing import Annotated

import typer

from orchestration import runs
from orchestration.erasure.erase import (
    carry_on,
    forget,
    is_interrupted,
    left_in_home,
    left_in_landing,
)
from orchestration.erasure.people import Person, read_people
from orchestration.errors import GoalpostError
from orchestration.interruption import if_interrupted
from orchestration.settings import Settings
from orchestration.terminal import console, one_line, say
from orchestration.warehouse import connect, mend, single_writer

Workspace = Annotated[str | None, typer.Option(help="The person's workspace.", show_default=False)]
Profile = Annotated[str | None, typer.Option(help="The person's profile_id, exactly.", show_default=False)]
PeopleFile = Annotated[
    Path | None,
    typer.Option("--file", help="Instead: a CSV file with workspace_id and profile_id.", show_default=False),
]

ERASED = "interrupted; the raw rows have lost the people, the marts have not: `goalpost run` carries on."


def forget_people(
    settings: Settings,
    workspace: str | None,
    profile: str | None,
    file: Path | None,
    run: Callable[..., None],
) -> None:
    """`run`: runs the pipeline, under the writer's lock.

    Raises GoalpostError if nobody was erased, or the marts could not be computed without them."""
    people = _people(workspace, profile, file)
    out = console()
    with single_writer(settings):
        connect(settings, read_only=True).close()  # raises if there is no warehouse yet
        was_interrupted = _bring_up_to_date(settings, run)
        if_interrupted("interrupted; nobody was forgotten.")
        erasure = forget(settings, people)
        if erasure is None:
            _show_what_is_left(settings)
            if was_interrupted:
                say(out, "No row names these people any more: the erasure that was interrupted is finished.")
                return
            raise GoalpostError(
                "No row names "
                + ("this person" if len(people) == 1 else "any of these people")
                + ": nobody was forgotten. Ids are exact: blanks, capitals and the workspace count."
            )
        if_interrupted(ERASED)
        as_of = runs.clock(settings).isoformat()
        carry_on(settings)
        run(settings, full_refresh=True, as_of=as_of)
    say(out, f"{_counted(erasure.people)} forgotten: the figures stay what they were.")
    if erasure.unknown:
        say(out, f"No row names {len(erasure.unknown)} of the people in the file.", "yellow")
    if erasure.reordered:
        say(
            out,
            f"Of {erasure.reordered} achievements of one moment, another one counts as the first now: where "
            "first ones are summed, impact may differ.",
            "yellow",
        )
    for definition in erasure.definitions:
        say(out, f"Still names a person, and is yours to change: {one_line(definition)}", "yellow")
    _show_what_is_left(settings)


def _people(workspace: str | None, profile: str | None, file: Path | None) -> list[Person]:
    if file and not (workspace or profile):
        return read_people(file)
    if workspace and profile and not file:
        return [Person(workspace, profile)]
    raise typer.BadParameter("either --workspace and --profile, or --file")


def _bring_up_to_date(settings: Settings, run: Callable[..., None]) -> bool:
    """Build all that landed, so that it is known which rows stand, and new ones are erased too. True if an
    erasure before this one was interrupted."""
    for done in mend(settings):
        say(console(), done, "yellow")
    carry_on(settings)
    was_interrupted = is_interrupted(settings)
    if was_interrupted or runs.find_work(settings, as_of=None, full_refresh=False):
        try:
            run(settings, full_refresh=False, as_of=None)
        except GoalpostError as error:
            raise GoalpostError(f"Nobody was forgotten, because the run before it failed. {error}") from error
    return was_interrupted


def _show_what_is_left(settings: Settings) -> None:
    out = console()
    if paths := left_in_landing(settings):
        say(out, f"The landing {settings.landing} still has rows of people who were forgotten. Clean:")
        for path in paths:
            say(out, f"  {one_line(path)}")
    for path in left_in_home(settings):
        say(out, f"May still name people, and is yours to delete: {path}")


def _counted(people: int) -> str:
    return "1 person is" if people == 1 else f"{people:,} people are"
