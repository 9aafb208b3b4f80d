"""`goalpost goals …`: the command line for goals in files.

Belongs here: arguments, printing, exit codes. Does not: deciding anything (yaml_files.py, apply.py).
"""

from collections import Counter
from collections.abc import Iterable
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer

from orchestration import clock
from orchestration.goals.apply import Key
from orchestration.goals.apply import apply as apply_files
from orchestration.goals.yaml_files import KINDS, Finding, read_files
from orchestration.modes import landing_modes
from orchestration.settings import Settings
from orchestration.terminal import console, say

Paths = Annotated[list[Path], typer.Argument(help="YAML files, or folders of them.", show_default=False)]

app = typer.Typer(help="Goals, segments, funnels and experiments as YAML files.", no_args_is_help=True)


@app.command()
def validate(paths: Paths) -> None:
    """Say what is wrong in the files, at which line. Lands nothing. Exits 0, or 1 with an error."""
    given = read_files(paths)
    _print_findings(given.errors, given.warnings)
    if given.errors:
        raise typer.Exit(1)
    counts = Counter({kind: sum(len(list(file.ids(kind))) for file in given.files) for kind in KINDS})
    _say(f"Valid: {_counted(counts)} in {_number(len(given.files), 'files')}.", "green")


@app.command()
def apply(paths: Paths) -> None:
    """Land what changed since it was last applied; the next run counts with it. Exits 0, or 1 with an error
    (then nothing was landed)."""
    settings = Settings()
    with landing_modes(settings):
        report = apply_files(paths, settings, datetime.now(UTC))
    _print_findings(report.errors, report.warnings)
    if report.note:
        _say(report.note, "yellow", is_error=True)
    if report.errors:
        _say("Nothing was landed.", "red", is_error=True)
        raise typer.Exit(1)
    for word, keys in (("new", report.added), ("changed", report.changed)):
        for key in keys:
            _say(f"{word}: {_named(key)}")
    for key in report.left_out:
        remedy = "; to stop it, put it back with `status: archived`" if key.table == "goals" else ""
        _say(f"not in these files: {_named(key)}, which stays as it was applied last{remedy}", "yellow")
    for path in report.landed_files:
        _say(f"landed: {path}")
    if report.landed_files:
        landed = Counter(key.table for key in (*report.added, *report.changed))
        _say(
            f"Applied {_counted(landed)}; {len(report.unchanged)} unchanged. `goalpost run` counts with it, "
            "from this moment on (a retroactive goal: from the beginning).",
            "green",
        )
        pinned = clock.pinned(settings)
        if pinned and pinned < clock.now():
            _say(
                f"{clock.sentence(settings)} What is applied now counts from now on, which is later: "
                "no report shows it (except for retroactive goals) until you move the clock "
                "(`goalpost clock`).",
                "yellow",
            )
    else:
        _say(
            f"Nothing changed ({_counted(Counter(key.table for key in report.unchanged))}), nothing landed.",
            "green",
        )


def _print_findings(errors: Iterable[Finding], warnings: Iterable[Finding]) -> None:
    for warning in warnings:
        _say(f"{warning.path}:{warning.line}: warning: {warning.text}", "yellow", is_error=True)
    for error in errors:
        _say(str(error), "red", is_error=True)


def _say(text: str, style: str = "", *, is_error: bool = False) -> None:
    """Print in colour on a terminal, else plain; a line stays one line, and brackets are not markup."""
    say(console(stderr=is_error), text, style)


def _named(key: Key) -> str:
    return f"{key.table[:-1]} '{key.id}' of workspace '{key.workspace_id}'"


def _counted(counts: Counter[str]) -> str:
    return ", ".join(_number(counts[kind], kind) for kind in KINDS if counts[kind]) or "no goals"


def _number(count: int, plural: str) -> str:
    return f"{count} {plural if count != 1 else plural[:-1]}"
