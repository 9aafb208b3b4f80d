"""`goalpost clock …`: the command line for the pinned clock.

Belongs here: arguments and printing. Does not: what the pin means (clock.py).
"""

from typing import Annotated

import typer

from orchestration.clock import pin, read_moment, sentence, unpin
from orchestration.settings import Settings
from orchestration.terminal import console, say

app = typer.Typer()


@app.callback(invoke_without_command=True)
def show(context: typer.Context) -> None:
    """Until when the reports count: show, pin and release the clock of this home."""
    if context.invoked_subcommand is None:
        say(
            console(),
            sentence(Settings())
            or "The clock of this home is not pinned: a run counts until it starts, or until its --as-of. "
            "`goalpost clock pin TIME` pins it.",
        )


@app.command("pin")
def pin_command(
    time: Annotated[
        str, typer.Argument(help="Every run counts until then (ISO 8601, UTC).", show_default=False)
    ],
) -> None:
    """Every run from now on, whatever starts it, counts until TIME. Again with another TIME moves it."""
    settings = Settings()
    pin(settings, read_moment(time))
    say(console(), f"{sentence(settings)} `goalpost run` brings the reports there.")


@app.command("unpin")
def unpin_command() -> None:
    """Runs count until they start again, or until their --as-of."""
    settings = Settings()
    was = settings.pinned_clock.exists()
    unpin(settings)
    say(
        console(),
        "The clock of this home is released: the next run counts until it starts, or until its --as-of."
        if was
        else "The clock of this home is not pinned: nothing to release.",
    )
