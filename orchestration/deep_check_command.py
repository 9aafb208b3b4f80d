"""`goalpost deep-check`: the command line for the deep check.

Belongs here: arguments and printing. Does not: the check (deep_check.py).
"""

import typer

from orchestration import alerts
from orchestration.deep_check import deep_check
from orchestration.settings import Settings
from orchestration.terminal import console, say


def deep_check_command() -> None:
    """Build everything again in a scratch file, and compare it with the marts, row for row (exit code 1 if
    they differ). It takes as long as a full refresh; runs may go on meanwhile."""
    settings, out = Settings(), console()
    try:
        with out.status("Building everything again ..."):
            found = deep_check(settings)
    finally:
        if settings.home.exists():
            alerts.look(settings)
    if not found.differences:
        say(out, "No difference: every mart is what a rebuild makes of the same files.")
        return
    say(out, found.sentence or "", "red")
    for each in found.differences:
        say(out, f"  {each}")
    raise typer.Exit(1)
