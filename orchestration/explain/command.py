"""`goalpost explain`: the history of one person, on the terminal or as JSON.

Belongs here: arguments and layout. Does not: reading (reading.py), words (words.py).
"""

import json
import sys
from collections.abc import Iterator
from dataclasses import asdict
from datetime import datetime
from itertools import groupby
from typing import Annotated

import typer
from rich.console import Console, Group, RenderableType
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from orchestration.explain.history import Achievement, Entry, Explanation, Version
from orchestration.explain.reading import explain
from orchestration.explain.words import Line, at, counted, some, words, words_of_a_change, words_of_a_row
from orchestration.settings import Settings

A_ROW = 3  # so many achievements one after the other that changed nothing are told as one


def explain_command(
    goal: Annotated[str, typer.Option(help="Id of the goal.")],
    profile: Annotated[str, typer.Option(help="Id of the person.")],
    workspace: Annotated[str | None, typer.Option(help="Which one, if several have the goal.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="As data, with the same words.")] = False,
) -> None:
    """Why, for one person: every message, success and credit of a goal, and the check that decided it."""
    explanation = explain(Settings(), workspace, goal, profile)
    if as_json:
        typer.echo(as_text(explanation))
    else:
        Console(file=sys.stdout).print(render(explanation), highlight=False)


def as_text(explanation: Explanation) -> str:
    """JSON: every entry in time order, as data and in words."""
    parts = ("versions", "deliveries", "achievements")
    head = {name: value for name, value in asdict(explanation).items() if name not in parts}
    timeline = [
        {"entry": type(entry).__name__.lower(), **asdict(entry), "words": [line for line, _ in words(entry)]}
        for entry in explanation.timeline
    ]
    return json.dumps({**head, "timeline": timeline}, default=_json_value, ensure_ascii=False, indent=2)


def render(explanation: Explanation) -> RenderableType:
    """A column of moments and a column of words. Of a later version, only what it changed."""
    timeline = Table.grid(padding=(0, 2))
    timeline.add_column(no_wrap=True)
    timeline.add_column()
    asked: list[Line] = []
    for entries in _rows(explanation.timeline):
        headline, *details = _words(entries)
        if _is_in_force(entries[0]):
            details, asked = words_of_a_change(asked, details), details
        lines = [Padding(_text(*detail), (0, 0, 0, 2)) for detail in details]
        timeline.add_row(_text(at(entries[0].moment)), Group(_text(*headline), *lines))
    return Group(*_head(explanation), timeline, *_foot(explanation))


def _words(entries: list[Entry]) -> list[Line]:
    if len(entries) == 1:
        return words(entries[0])
    return words_of_a_row([entry for entry in entries if isinstance(entry, Achievement)])


def _is_in_force(entry: Entry) -> bool:
    return isinstance(entry, Version) and len(words(entry)) > 1 and entry.reason_code is None


def _head(explanation: Explanation) -> Iterator[Text]:
    name, goal_id = explanation.goal_name, explanation.goal_id
    goal = f"{name} ({goal_id})" if name else goal_id
    yield _text(f"{goal}, for {explanation.profile_id} of {explanation.workspace_id}", "bold")
    impressions = [delivery for delivery in explanation.deliveries if delivery.outcome]
    enrollments = [delivery.enrollment for delivery in impressions if delivery.enrollment]
    converted = sum(enrollment.converted_at is not None for enrollment in enrollments)
    figures = (
        counted(len(impressions), "impression"),
        f"{counted(len(enrollments), 'enrollment')} ({converted} converted)",
        counted(len(explanation.achievements), "achievement"),
    )
    yield _text(f"{', '.join(figures)}.")
    zone, as_of = explanation.time_zone, at(explanation.as_of)
    yield _text(f"Times are UTC; calendar days are those of {zone}. Reports count until {as_of}.\n", "dim")


def _foot(explanation: Explanation) -> Iterator[Text]:
    others = explanation.other_sources
    if others:
        messages = counted(sum(others.values()), "message")
        names = some([source or "no source" for source in others])
        yield _text(f"\nNot shown: {messages} of sources that the goal never listed ({names}).", "dim")
    if explanation.not_told:
        yield _text(
            f"\nNot told: {', '.join(explanation.not_told)}. "
            "An older version of Goalpost built this warehouse; `goalpost run` renews it.",
            "yellow",
        )


def _rows(timeline: list[Entry]) -> Iterator[list[Entry]]:
    """One entry each, but for achievements in a row that convert nothing and have the same credit."""

    def sameness(entry: Entry) -> object:
        if not isinstance(entry, Achievement) or entry.converted_deliveries:
            return id(entry)
        return entry.unattributed_reason, [(each.delivery_id, each.verdict) for each in entry.candidates]

    for _, group in groupby(timeline, key=sameness):
        entries = list(group)
        yield from [entries] if len(entries) >= A_ROW else ([entry] for entry in entries)


def _text(line: str, style: str = "") -> Text:
    """Names and values are data: they neither style the text nor steer the terminal."""
    return Text("".join(letter if letter.isprintable() or letter == "\n" else "?" for letter in line), style)


def _json_value(value: object) -> str:
    return value.isoformat() if isinstance(value, datetime) else str(value)
