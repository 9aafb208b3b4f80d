"""`goalpost quarantine …`: the command line for what does not count. (cli.py has the commands that also run.)

Belongs here: arguments and printing. Does not: what it means (repair.py).
"""

from contextlib import closing
from typing import Annotated

import typer

from orchestration import repair
from orchestration.contract import RAW_TABLES
from orchestration.errors import GoalpostError
from orchestration.settings import Settings
from orchestration.status import show_left_out
from orchestration.terminal import console, say
from orchestration.warehouse import connect

app = typer.Typer(no_args_is_help=True, help="Rows and files that do not count: list, show, try again.")


@app.command("list")
def list_command() -> None:
    """The files that are set aside, and the rows in quarantine by reason, with an example."""
    with closing(connect(Settings(), read_only=True)) as connection:
        show_left_out(connection, console())


@app.command("show")
def show_command(
    table: Annotated[str, typer.Argument(help="A raw table, for example events.", show_default=False)],
    reason: Annotated[str | None, typer.Option(help="Only this reason, for example bad_timestamp.")] = None,
    limit: Annotated[int, typer.Option(help="At most so many rows, the newest first.")] = 20,
) -> None:
    """The rows of a table in quarantine, as they landed."""
    if table not in RAW_TABLES:
        raise GoalpostError(f"There is no table '{table}': the tables are {', '.join(RAW_TABLES)}.")
    out = console()
    with closing(connect(Settings(), read_only=True)) as connection:
        rows = repair.show_quarantined(connection, table, reason, limit)
    for path, row_number, reason_code, problem, record in rows:
        say(out, f"{path}, row {row_number}: {reason_code}" + (f": {problem}" if problem else ""))
        say(out, f"  {record}")
    if not rows:
        say(out, f"No row of {table} is in quarantine" + (f" for {reason}." if reason else "."))
