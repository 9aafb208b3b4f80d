"""The list of goals and the page of one goal, for a terminal of any width.

Belongs here: the layout. Does not: reading (reading.py). A number is never cut and never broken. A name is
wrapped beside its numbers if there is room, and is above them if there is not.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from itertools import groupby, zip_longest
from typing import Any, cast

from rich.cells import cell_len
from rich.console import Console
from rich.text import Text

from orchestration.clock import told
from orchestration.report.reading import ExperimentPage, GoalPage, Goals, Publication, Row
from orchestration.report.verdicts import sentence
from orchestration.terminal import one_line, say

NARROWEST_NAME = 28
BARS, ASCII_BARS = "▁▂▃▄▅▆▇█", "_.:-=+*#"
PERIODS = ("day", "week", "month")
HORIZONS = {"to_date": "Until now", "window": "Within each person's measurement window"}


@dataclass(frozen=True)
class Line:
    """A line of a table: the name and id of its subject, and its numbers as text."""

    name: str
    id: str
    numbers: Sequence[str]


def show_list(goals: Goals, out: Console) -> None:
    if not goals.goals:
        say(out, "No goal has landed, so there is nothing to report: `goalpost goals apply` lands goals.")
        return
    workspaces = {goal["workspace_id"] for goal in goals.goals}
    for workspace_id, of_workspace in groupby(goals.goals, key=lambda goal: goal["workspace_id"]):
        rows = list(of_workspace)
        if len(workspaces) > 1:
            say(out, workspace_id, "bold")
        lines = [
            Line(
                goal["name"] or goal["goal_id"],
                goal["goal_id"],
                [
                    count(goal["impressions"]),
                    count(goal["enrollments"]),
                    count(goal["conversions"]),
                    percent(goal["conversion_rate"]),
                    percent(goal["attributed_share"]),
                ],
            )
            for goal in rows
        ]
        headings = ("impressions", "enrollments", "conversions", "conversion\nrate", "attributed\nshare")
        show_lines(out, "goal", headings, lines)
        say(out)
        _show_calendar(out, goals.publication, workspace_id, rows[0])
        say(out)
    _say_words(out, "Conversion rate: of the enrollments, those that reached the goal within its window.")
    _say_words(
        out,
        "Attributed share: of the people who reached the goal, those whom a message gets the credit for.",
    )


def show_page(page: GoalPage, out: Console) -> None:
    goal = page.goal
    name = f"{goal['name']} ({goal['goal_id']})" if goal["name"] else goal["goal_id"]
    _say_words(out, f"{name} of {goal['workspace_id']}", "bold")
    facts = [goal["status"], f"version {goal['version_number']}"]
    if goal["is_locked"]:
        facts.append(f"locked since {told(goal['first_sent_at'])}")
    _say_words(out, ", ".join(facts))
    _show_calendar(out, page.publication, goal["workspace_id"], goal)
    _show_figures(out, goal)
    _show_progress(out, page)
    _show_sources(out, page)
    _show_funnels(out, page)


def show_experiment(page: ExperimentPage, out: Console) -> None:
    experiment = page.experiment
    id_, name = experiment["experiment_id"], experiment["experiment_name"]
    called = f"{name} ({id_})" if name else id_
    _say_words(out, f"{called} of {experiment['workspace_id']}", "bold")
    source = experiment["source_name"] or experiment["source_id"]
    share = experiment["expected_control_share"]
    facts = [f"source {source}"] if source else []
    facts.append(
        "planned control share not known" if share is None else f"{percent(share)} planned as control"
    )
    facts.append(f"{count(experiment['conflicting'])} people in both arms, counted in neither")
    _say_words(out, "; ".join(facts) + ".")
    _show_calendar(out, page.publication, experiment["workspace_id"], experiment)
    for horizon, title in HORIZONS.items():
        rows = [row for row in page.lift if row["horizon"] == horizon]
        _title(out, title)
        _show_lift(out, rows)
        for row in rows:
            out.print()
            name = f"{row['goal_name'] or row['goal_id']}{' (primary)' if row['is_primary'] else ''}"
            style = "bold red" if row["verdict"] == "sample_ratio_mismatch" else ""
            _say_words(out, f"{name}: {sentence(row)}", style)
            _show_statistics(out, row)


def _show_lift(out: Console, rows: list[Row]) -> None:
    headings = ("people", "reached\nit", "control\npeople", "reached\nit", "difference,\npoints", "verdict")
    lines = [
        Line(
            row["goal_name"] or row["goal_id"],
            row["goal_id"],
            [
                count(row["treatment_profiles"]),
                percent(row["treatment_rate"]),
                count(row["control_profiles"]),
                percent(row["control_rate"]),
                "-" if row["difference"] is None else f"{100 * row['difference']:+.2f}",
                row["verdict"],
            ],
        )
        for row in rows
    ]
    show_lines(out, "goal", headings, lines)


def _show_statistics(out: Console, row: Row) -> None:
    """The figures that a statistician asks for; one that is not defined is left out. None of a broken split,
    except what shows that it is."""

    def between(name: str, written: Callable[[float], str]) -> str:
        return f"{written(row[f'{name}_lower'])} to {written(row[f'{name}_upper'])}"

    def points(share: float) -> str:
        return f"{100 * share:+.3f}"

    figures: list[tuple[str, str]] = []
    people = "{:+,.0f}".format
    is_believable = row["verdict"] != "sample_ratio_mismatch"
    if is_believable and row["difference"] is not None:
        more = between("incremental_achievers", people)
        figures += [
            ("difference, points", points(row["difference"])),
            ("  always valid", between("always_valid", points)),
            ("  for one look (Newcombe)", between("newcombe", points)),
            ("more people reached it", f"{people(row['incremental_achievers'])} ({more})"),
        ]
    if is_believable and row["ratio"] is not None:
        figures.append(("ratio of the rates", f"{row['ratio']:.2f} ({between('ratio', '{:.2f}'.format)})"))
    if is_believable and row["p"] is not None:
        figures.append(("p, for one look", probability(row["p"])))
        figures.append(("  over all goals (Holm)", probability(row["adjusted_p"])))
    for name, label in (
        ("impact", f"impact per person, {row['impact_currency']}"),
        ("adjusted_impact", "  adjusted by the covariate"),
    ):
        if is_believable and row["impact_currency"] and row[f"{name}_p"] is not None:
            ends = between(f"{name}_difference", "{:+,.4f}".format)
            figures.append((label, f"{row[f'{name}_difference']:+,.4f} ({ends})"))
    if row["sample_ratio_p"] is not None:
        figures.append(("p of the split", probability(row["sample_ratio_p"])))
    labels = max((cell_len(label) for label, _ in figures), default=0)
    for label, value in figures:
        if cell_len(value) + labels + 4 > out.width:
            _print(out, f"  {label}")
            _print(out, f"      {value}")
        else:
            _print(out, f"  {_padded(label, labels)}  {value}")


def show_lines(out: Console, heading: str, headings: Sequence[str], lines: Sequence[Line]) -> None:
    """A table of names and numbers."""
    lines = [Line(one_line(line.name), one_line(line.id), line.numbers) for line in lines]
    widths = [
        max(cell_len(cell) for cell in (*title.split("\n"), *(line.numbers[place] for line in lines)))
        for place, title in enumerate(headings)
    ]
    numbers = sum(widths) + 2 * len(widths)
    name = max(cell_len(each) for each in (heading, *(line.name for line in lines)))
    id_ = max(cell_len(each) for each in ("id", *(line.id for line in lines)))
    has_ids = any(line.id != line.name for line in lines)
    titles = [title.split("\n") for title in headings]
    upper = [title[0] if len(title) > 1 else "" for title in titles]
    lower = [title[-1] for title in titles]

    if out.width >= name + numbers + (2 + id_ if has_ids else 0):  # everything in one line
        for left, right, cells in (("", "", upper), (heading, "id", lower)):
            if any(cells):
                beside = f"{_padded(left, name)}{'  ' + _padded(right, id_) if has_ids else ''}"
                _print(out, _with_numbers(beside, cells, widths))
        for line in lines:
            beside = f"{_padded(line.name, name)}{'  ' + _padded(line.id, id_) if has_ids else ''}"
            _print(out, _with_numbers(beside, line.numbers, widths))
    elif out.width - numbers >= NARROWEST_NAME:  # the id below the name
        width = min(out.width - numbers, max(name, id_))
        for left, cells in (("", upper), (heading, lower)):
            if any(cells):
                _print(out, _with_numbers(_padded(left, width), cells, widths))
        for line in lines:
            beside = [*_wrapped(out, line.name, width)]
            beside += [f"  {part}" for part in _wrapped(out, line.id, width - 2)] if has_ids else []
            for number, (part, cells) in enumerate(zip_longest(beside, [line.numbers])):
                _print(
                    out,
                    _with_numbers(_padded(part or "", width), cells, widths) if number == 0 else part or "",
                )
    elif out.width < numbers - len(widths):  # too narrow for the row of numbers: in words
        for line in lines:
            _say_words(out, f"{line.name} ({line.id})" if line.id != line.name else line.name)
            told_apart = [
                f"{title.replace(chr(10), ' ')} {number}"
                for title, number in zip(headings, line.numbers, strict=True)
            ]
            for part in _wrapped(out, "; ".join(told_apart), out.width - 2):
                _print(out, f"  {part}")
    else:  # the numbers below both
        gap = 2 if numbers <= out.width else 1
        _print(out, heading)
        for cells in (upper, lower):
            if any(cells):
                _print(out, _with_numbers("", cells, widths, gap))
        for line in lines:
            label = f"{line.name} ({line.id})" if line.id != line.name else line.name
            for part in _wrapped(out, label, out.width):
                _print(out, part)
            _print(out, _with_numbers("", line.numbers, widths, gap))


def sparkline(values: Sequence[int | Decimal], bars: str = BARS) -> str:
    """A bar for each value; the lowest bar means zero, the highest the greatest value."""
    most = max(values, default=0)
    return "".join(
        bars[0] if value <= 0 or not most else bars[max(1, round(value / most * (len(bars) - 1)))]
        for value in values
    )


def count(number: int) -> str:
    return f"{number:,}"


def percent(share: float | None) -> str:
    return "-" if share is None else f"{100 * share:.1f} %"


def amount(value: Decimal | None) -> str:
    if value is None:
        return "-"
    return f"{value:,.2f}" if value == round(value, 2) else f"{value:,f}".rstrip("0")


def probability(p: float) -> str:
    return "< 0.0001" if p < 0.0001 else f"{p:.4f}"


def duration(seconds: float | None) -> str:
    return "-" if seconds is None else str(timedelta(seconds=round(seconds)))


def _show_calendar(out: Console, publication: Publication, workspace_id: str, goal: Row) -> None:
    until = f"Counts until {told(publication.as_of)}" if publication.as_of else "Counts until: not known"
    calendar = (
        f"; days are those of {goal['time_zone']}, amounts in {goal['currency']}" if goal["time_zone"] else ""
    )
    unknown = "" if publication.as_of else ", since an older version published this; `goalpost run` renews it"
    _say_words(out, f"{until}{calendar}{unknown}.")


def _show_figures(out: Console, goal: Row) -> None:
    currency = goal["impact_currency"]
    figures = [
        ("impressions", count(goal["impressions"])),
        ("enrollments", count(goal["enrollments"])),
        ("conversions", count(goal["conversions"])),
        ("conversion rate, of the enrollments", percent(goal["conversion_rate"])),
        ("  of those whose window has ended", percent(goal["closed_conversion_rate"])),
        ("median time to convert", duration(goal["median_seconds_to_convert"])),
        ("achievers, people who reached it", count(goal["achievers"])),
        ("  credited to a message", count(goal["attributed_achievers"])),
        ("  credited to none", count(goal["unattributed_achievers"])),
        ("attributed share, of the achievers", percent(goal["attributed_share"])),
        ("achiever rate, of all profiles", percent(goal["achiever_rate"])),
        ("audience, people with an impression", count(goal["audience"])),
        ("  achiever rate of the audience", percent(goal["audience_achiever_rate"])),
    ]
    if currency:
        figures += [
            (f"impact, {currency}", amount(goal["impact"])),
            ("  of first achievements", amount(goal["impact_first"])),
        ]
    _title(out, "Key figures")
    labels = max(cell_len(label) for label, _ in figures)
    values = max(cell_len(value) for _, value in figures)
    for label, value in figures:
        _print(out, f"{_padded(label, labels)}  {value:>{values}}")


def _show_progress(out: Console, page: GoalPage) -> None:
    if not page.progress:
        _title(out, "Progress")
        say(out, "Nobody has reached the goal yet.")
        return
    bars = BARS if (out.encoding or "").lower().startswith("utf") else ASCII_BARS
    by_period = {
        period: [row for row in page.progress if row["period"] == period]
        for period in PERIODS
        if any(row["period"] == period for row in page.progress)
    }
    period, rows = next(
        ((period, rows) for period, rows in by_period.items() if len(rows) <= out.width),
        list(by_period.items())[-1],
    )
    shown = rows[-out.width :]
    since, until = shown[0]["period_start"], shown[-1]["period_start"]
    _title(out, f"Progress by {period}, {since} to {until}")
    if len(shown) < len(rows):
        say(out, f"(The newest {len(shown)} of {len(rows)} {period}s.)")
    figures = ["achievers", "achievements"] + (["impact"] if page.goal["impact_currency"] else [])
    for figure in figures:
        values = [row[figure] for row in shown]
        written = cast(Callable[[Any], str], amount if figure == "impact" else count)
        most = max(values)
        peak: date = shown[values.index(most)]["period_start"]
        of = f" {page.goal['impact_currency']}" if figure == "impact" else ""
        _say_words(out, f"{figure}: {written(sum(values))}{of}; most in a {period}: {written(most)} ({peak})")
        _print(out, sparkline(values, bars))


def _show_sources(out: Console, page: GoalPage) -> None:
    _title(out, "By source")
    if not page.sources:
        say(out, "The goal lists no source, and no source has an impression.")
        return
    has_impact = page.goal["impact_currency"]
    headings = ["impressions", "enrollments", "conversions", "conversion\nrate", "attributed\nachievers"]
    lines = [
        Line(
            row["source_name"] or row["source_id"],
            row["source_id"],
            [
                count(row["impressions"]),
                count(row["enrollments"]),
                count(row["conversions"]),
                percent(row["conversion_rate"]),
                count(row["attributed_achievers"]),
                *([amount(row["attributed_impact"])] if has_impact else []),
            ],
        )
        for row in page.sources
    ]
    show_lines(out, "source", [*headings, *(["attributed\nimpact"] if has_impact else [])], lines)


def _show_funnels(out: Console, page: GoalPage) -> None:
    for funnel_id, steps in page.funnels.items():
        _title(out, f"Funnel {one_line(funnel_id)}")
        headings = ("people", "of the\nfirst", "of the one\nbefore", "drop-off", "median time\nfrom it")
        lines = [
            Line(
                f"{step['step']}. {step['goal_name'] or step['goal_id']}",
                step["goal_id"],
                [
                    count(step["profiles"]),
                    percent(step["share_of_first"]),
                    percent(step["share_of_previous"]),
                    "-" if step["drop_off"] is None else count(step["drop_off"]),
                    duration(step["median_seconds"]),
                ],
            )
            for step in steps
        ]
        show_lines(out, "step", headings, lines)


def _title(out: Console, title: str) -> None:
    out.print()
    out.print(Text(title, "bold"))


def _say_words(out: Console, sentence: str, style: str = "") -> None:
    """Print a sentence, wrapped to the width."""
    for part in _wrapped(out, one_line(sentence), out.width):
        say(out, part, style)


def _print(out: Console, line: str) -> None:
    say(out, line.rstrip())


def _with_numbers(label: str, cells: Iterable[str] | None, widths: Sequence[int], gap: int = 2) -> str:
    return label + "".join(
        " " * gap + _right(cell, width) for cell, width in zip(cells or (), widths, strict=False)
    )


def _padded(name: str, width: int) -> str:
    return name + " " * (width - cell_len(name))


def _right(cell: str, width: int) -> str:
    return " " * (width - cell_len(cell)) + cell


def _wrapped(out: Console, name: str, width: int) -> list[str]:
    return [str(part).rstrip() for part in Text(name).wrap(out, max(width, 8))]
