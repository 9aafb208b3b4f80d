"""`goalpost explain`: the history of one person, on the terminal or as JSON.

Belongs here: arguments and layout. Does not: reading (reading.py), words (words.py).
"""

from collections.abc import Iterator
from dataclasses import asdict
from datetime import datetime
from itertools import groupby
from typing import Annotated

import typer
from rich.console import Group, RenderableType
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from orchestration.explain.history import Achievement, Delivery, Entry, Explanation, NonAchievement, Version
from orchestration.explain.reading import explain
from orchestration.explain.words import (
    BAD,
    Line,
    at,
    counted,
    failed_conditions,
    some,
    words,
    words_of_a_change,
    words_of_a_row,
)
from orchestration.settings import Settings
from orchestration.terminal import as_json, console, text

A_ROW = 3  # from this many on, consecutive achievements that changed nothing become one entry


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
        console().print(render(explanation))


def as_text(explanation: Explanation) -> str:
    """JSON: every entry in time order, as data and in words."""
    parts = ("versions", "deliveries", "achievements", "non_achievements")
    head = {name: value for name, value in asdict(explanation).items() if name not in parts}
    timeline = [
        {
            "entry": type(entry).__name__.lower(),
            **asdict(entry),
            "words": [line for line, _ in _words([entry], explanation.as_of)],
        }
        for entry in explanation.timeline
    ]
    return as_json({**head, "timeline": timeline}, decimal=str)


def render(explanation: Explanation) -> RenderableType:
    """A column of moments and a column of words."""
    timeline = Table.grid(padding=(0, 2))
    timeline.add_column(no_wrap=True)
    timeline.add_column()
    for moment, headline, details in told(explanation):
        lines = [Padding(text(*detail), (0, 0, 0, 2), expand=False) for detail in details]
        timeline.add_row(text(moment), Group(text(*headline), *lines))
    return Group(*_head(explanation), timeline, *_foot(explanation))


def told(explanation: Explanation) -> Iterator[tuple[str, Line, list[Line]]]:
    """Each entry of the timeline: its moment, what happened, and why. For a later version of the goal, only
    what it changed."""
    asked: list[Line] = []
    for entries in _rows(explanation.timeline):
        headline, *details = _words(entries, explanation.as_of)
        if _is_in_force(entries[0]):
            details, asked = words_of_a_change(asked, details), details
        yield at(entries[0].moment), headline, details


def _words(entries: list[Entry], as_of: datetime) -> list[Line]:
    said = words(entries[0]) if len(entries) == 1 else words_of_a_row(entries)
    first = entries[0]
    if isinstance(first, Achievement | Delivery) and first.moment and first.moment > as_of:
        said.append(("later than the reports count: not in any report yet", BAD))
    return said


def _is_in_force(entry: Entry) -> bool:
    return isinstance(entry, Version) and len(words(entry)) > 1 and entry.reason_code is None


def _head(explanation: Explanation) -> Iterator[Text]:
    name, goal_id = explanation.goal_name, explanation.goal_id
    goal = f"{name} ({goal_id})" if name else goal_id
    yield text(f"{goal}, for {explanation.profile_id} of {explanation.workspace_id}", "bold")
    impressions = [delivery for delivery in explanation.deliveries if delivery.outcome]
    enrollments = [delivery.enrollment for delivery in impressions if delivery.enrollment]
    converted = sum(enrollment.converted_at is not None for enrollment in enrollments)
    figures = (
        counted(len(impressions), "impression"),
        f"{counted(len(enrollments), 'enrollment')} ({converted} converted)",
        counted(len(explanation.achievements), "achievement"),
    )
    yield text(f"{', '.join(figures)}.")
    zone, as_of = explanation.time_zone, at(explanation.as_of)
    yield text(f"Times are UTC; calendar days are those of {zone}. Reports count until {as_of}.", "dim")
    yield Text()


def _foot(explanation: Explanation) -> Iterator[Text]:
    others = explanation.other_sources
    if others:
        messages = counted(sum(others.values()), "message")
        names = some([source or "no source" for source in others])
        yield Text()
        yield text(f"Not shown: {messages} of sources that the goal never listed ({names}).", "dim")
    if explanation.other_events:
        events = counted(sum(each.events for each in explanation.other_events), "event")
        names = some([f"'{each.name}' {each.events:,}" for each in explanation.other_events])
        near = [f"'{each.name}'" for each in explanation.other_events if each.is_near]
        yield Text()
        yield text(f"Not shown: {events} of other names than the goal asks for ({names}).", "dim")
        if near:
            yield text(
                f"Almost the name that the goal asks for: {', '.join(near)}. A name counts only if it is "
                "written just so, upper and lower case included.",
                "yellow",
            )
    if explanation.not_told:
        yield Text()
        yield text(
            f"Not told: {', '.join(explanation.not_told)}. "
            "An older version of Goalpost built this warehouse; `goalpost run` renews it.",
            "yellow",
        )


def _rows(timeline: list[Entry]) -> Iterator[list[Entry]]:
    """One entry per row. Exceptions, combined in one row: consecutive achievements that convert nothing and
    have the same credit, and consecutive events that are no achievements for the same reason."""

    def sameness(entry: Entry) -> object:
        if isinstance(entry, NonAchievement) and entry.reason != "quarantined":
            failed = failed_conditions(entry.predicate, entry.conditions_met) if entry.predicate else ()
            return entry.event_name, entry.reason, entry.asked_name, tuple(failed)
        if not isinstance(entry, Achievement) or entry.converted_deliveries:
            return id(entry)
        return entry.unattributed_reason, [(each.delivery_id, each.verdict) for each in entry.candidates]

    for _, group in groupby(timeline, key=sameness):
        entries = list(group)
        yield from [entries] if len(entries) >= A_ROW else ([entry] for entry in entries)
