"""`goalpost report`: the goals of the published marts, for people and for machines.

Belongs here: arguments and formats. Does not: reading (reading.py), layout (layout.py).
"""

import csv
import sys
from dataclasses import asdict, replace
from datetime import date
from enum import StrEnum
from typing import Annotated

import typer
from rich.console import Console

from orchestration.errors import GoalpostError
from orchestration.report.layout import show_experiment, show_list, show_page
from orchestration.report.reading import (
    ExperimentPage,
    Publication,
    Row,
    read_experiment,
    read_goal,
    read_goals,
)
from orchestration.settings import Settings
from orchestration.terminal import as_json, console, one_line


class Format(StrEnum):
    TABLE = "table"
    CSV = "csv"
    JSON = "json"


def report_command(
    goal: Annotated[
        str | None, typer.Argument(help="Id of a goal: its page. Default: all goals.", show_default=False)
    ] = None,
    workspace: Annotated[str | None, typer.Option(help="Which one, if several have the goal.")] = None,
    experiment: Annotated[
        str | None, typer.Option(help="Id or name of an experiment: what it caused.", show_default=False)
    ] = None,
    format: Annotated[Format, typer.Option(help="For people, or for machines.")] = Format.TABLE,
) -> None:
    """How each goal is doing, or the page of a goal or an experiment, by the published marts; also while a
    run writes."""
    settings = Settings()
    if experiment is not None:
        if goal is not None:
            raise GoalpostError(
                "Give a goal or --experiment, not both: an experiment's page has all its goals."
            )
        _report_experiment(read_experiment(settings, experiment, workspace), format)
        return
    if goal is None:
        goals = read_goals(settings)
        shown = [row for row in goals.goals if workspace in (None, row["workspace_id"])]
        if format is Format.TABLE:
            show_list(replace(goals, goals=shown), console())
        elif format is Format.CSV:
            _print_csv(shown)
        else:
            print(as_json({**_head(goals.publication), "goals": shown}))
        return
    page = read_goal(settings, goal, workspace)
    if format is Format.TABLE:
        show_page(page, console())
    elif format is Format.CSV:
        _print_csv([page.goal])
    else:
        funnels = [{"funnel_id": name, "steps": steps} for name, steps in page.funnels.items()]
        document = {"goal": page.goal, "progress": page.progress, "sources": page.sources, "funnels": funnels}
        print(as_json({**_head(page.publication), **document}))


def _report_experiment(page: ExperimentPage, format: Format) -> None:
    if format is Format.TABLE:
        show_experiment(page, console())
    elif format is Format.CSV:
        _print_csv(page.lift)
    else:
        print(as_json({**_head(page.publication), "lift": page.lift}))


def show_goals(settings: Settings, out: Console) -> None:
    """Print the list of goals, after the pipeline ran. Raises GoalpostError if nothing is published."""
    show_list(read_goals(settings), out)


def _head(publication: Publication) -> Row:
    head = asdict(publication)
    del head["workspaces"]
    return head


def _print_csv(rows: list[Row]) -> None:
    """Print a row per goal. A file or a program gets the data as they are; for a terminal they are
    escaped."""
    if not rows:
        return
    writer = csv.writer(sys.stdout, lineterminator="\n")
    writer.writerow(rows[0])
    for row in rows:
        values = [_csv_value(value) for value in row.values()]
        writer.writerow([one_line(value) for value in values] if sys.stdout.isatty() else values)


def _csv_value(value: object) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return str(value).lower()
    return value.isoformat() if isinstance(value, date) else str(value)
