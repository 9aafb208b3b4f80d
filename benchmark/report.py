"""The report: what was asked for, what was measured, and whether it is met; ratios, never seconds.

Belongs here: judging what was kept and writing it down (benchmark.md, benchmark.svg). Does not: measuring.
"""

import json
import math
import os
import platform
from collections.abc import Iterator
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from statistics import median

from benchmark.world import World

RESULTS = "results.json"


@dataclass(frozen=True)
class Figure:
    """`target`: at most so much, or with `at_least` at least; None: told, not judged."""

    what: str
    size: str
    measured: float
    target: float | None = None
    at_least: bool = False
    form: str = "{:.2f} x"

    @property
    def used(self) -> float:
        """The share of the target that is used up; above 1 it is missed."""
        if not self.target:
            return 0
        return self.target / self.measured if self.at_least else self.measured / self.target


# Why a target is missed, in a sentence, by what it is about.
WHY: dict[str, str] = {
    "Full refresh from typed staging ÷ floor": (
        "four fifths of the floor is writing the marts. Sendable deliveries, states, firsts and days are "
        "written besides, for later runs, and each mart is computed before it is written: a window that "
        "numbers achievements, the state as of each moment, texts read from JSON. The largest are "
        "fct_achievements, fct_impressions and, where its joins go through the disk, fct_touches."
    ),
    "Full refresh from landed JSON ÷ floor": (
        "half of it is loading: every value is kept as the text that landed, so text is written once more "
        "than the floor does; lines come from Arrow, since DuckDB's readers are not exact; and each file is "
        "read twice, the second time for keys that the contract does not know."
    ),
    "Growth exponent of a full refresh, history x 10": (
        "what fits into memory at 1M goes through the disk at 10M: achievements are numbered, and touches "
        "found, under the limit of 2.8 GB. One run of the smaller world varies by more than what is missed."
    ),
    "A day in order ÷ full refresh from typed staging": (
        "a quarter of all profiles come up on a day, and their rows are looked up in the key columns of the "
        "whole history. Besides, some fifty models run two hundred statements, however few rows there are, "
        "and a tenth of a day is its one checkpoint, which writes the last rows of each table again."
    ),
    "Growth exponent of a day, history x 10, same new rows": (
        "rows lie in the order of time, so what goes by time does not grow. What goes by profile does: open "
        "enrollments, firsts, sendable deliveries and the anchors of evaluation windows have no bound in "
        "time. Reports count segment members and funnels from all of their rows."
    ),
    "Growth exponent, goals 5 → 20, without writing the marts": (
        "each goal's facts are wide rows, which cost more than their writing."
    ),
    "Growth exponent, goals 20 → 60, without writing the marts": (
        "each goal's facts are wide rows, which cost more than their writing."
    ),
    "Three joins: polars ÷ ours": (
        "Polars' streaming joins of equal keys are as fast as ours; only its asof joins are slower."
    ),
    "Three joins, peak memory: ours ÷ polars": (
        "by Polars' fastest ways, which need least memory, too; its asof joins take four times ours."
    ),
    "goalpost run on 1,000 rows ÷ 15 s": (
        "it is 45 s of work for two cores. Building the models is half of that, most of it dbt's own work "
        "around each of fifty models and forty tests; importing Dagster, dbt and Great Expectations is a "
        "third."
    ),
    "From landing to the marts, by the sensor ÷ 30 s": (
        "Dagster's daemon looks every five seconds, and starts a process that imports everything anew; the "
        "rest is the run above."
    ),
}


def keep(folder: Path, world: World, measure: str, result: dict) -> None:
    results = folder / RESULTS
    kept = json.loads(results.read_text("utf-8")) if results.exists() else {"deliveries": world.deliveries}
    results.write_text(json.dumps(kept | {measure: result}, indent=1), "utf-8")


def write(home: Path, docs: Path) -> str:
    """Write the report of all worlds in the home, and give back its table."""
    worlds = {path.parent.name: json.loads(path.read_text("utf-8")) for path in home.glob(f"*/{RESULTS}")}
    worlds = dict(sorted(worlds.items(), key=lambda world: world[1]["deliveries"]))
    figures = list(_judged(worlds))
    docs.mkdir(parents=True, exist_ok=True)
    (docs / "benchmark.svg").write_text(_plot([figure for figure in figures if figure.target]), "utf-8")
    (docs / "benchmark.md").write_text(_page(figures), "utf-8")
    return _table(figures)


def _judged(worlds: dict[str, dict]) -> Iterator[Figure]:
    for size, world in worlds.items():
        n = world["deliveries"]
        smaller = next((each for each in worlds.values() if each["deliveries"] * 10 == n), {})
        if "full_refresh" in world:
            yield from _full_refresh(size, world, smaller)
        if "landed" in world:
            landed = world["landed"]
            ratio = (landed["landing"] + landed["build"]["sql"]) / sum(landed["floor"].values())
            yield Figure("Full refresh from landed JSON ÷ floor", size, ratio, 2.0)
        if "days" in world:
            yield from _days(size, world, smaller)
        if "goals" in world:
            yield from _goals(size, world["goals"])
        if "low_memory" in world and "full_refresh" in world:
            ratio = world["low_memory"]["builds"][0]["sql"] / _sql(world["full_refresh"])
            yield Figure("Full refresh with memory_limit 2 GB ÷ without (finished)", size, ratio)
        if "peer_tools" in world:
            yield from _peers(size, n, world["peer_tools"])
        if "small_run" in world:
            ratio = median(world["small_run"]["walls"]) / 15
            yield Figure("goalpost run on 1,000 rows ÷ 15 s", size, ratio, 1.0)
        if "sensor" in world:
            ratio = median(world["sensor"]["waits"]) / 30
            yield Figure("From landing to the marts, by the sensor ÷ 30 s", size, ratio, 1.0)
        if "room" in world:
            for place, each in enumerate(world["room"]["every_ten_days"]):
                what = f"Warehouse ÷ the same rows in new files, after {place * 10} days of runs"
                yield Figure(what, size, each["file"] / each["compact"], 2.0 if place == 3 else None)


def _full_refresh(size: str, world: dict, smaller: dict) -> Iterator[Figure]:
    refresh, n = world["full_refresh"], world["deliveries"]
    floor = median(sum(floor.values()) for floor in refresh["floors"])
    yield Figure("Full refresh from typed staging ÷ floor", size, _sql(refresh) / floor, 2.0)
    yield Figure("Its start-up ÷ its SQL time", size, _start_up(refresh) / _sql(refresh))
    peak = max(build["peak_bytes"] for build in refresh["builds"]) / 2**30
    yield Figure(
        "Peak memory of a full refresh", size, peak, 4.0 if n == 10_000_000 else None, form="{:.1f} GB"
    )
    if "full_refresh" in smaller:
        exponent = math.log10(_sql(refresh) / _sql(smaller["full_refresh"]))
        yield Figure("Growth exponent of a full refresh, history x 10", size, exponent, 1.05, form="{:.2f}")


def _days(size: str, world: dict, smaller: dict) -> Iterator[Figure]:
    days = world["days"]
    target = {1_000_000: 0.04, 10_000_000: 0.025}.get(world["deliveries"])
    if "full_refresh" in world:
        share = _sql(days) / _sql(world["full_refresh"])
        yield Figure("A day in order ÷ full refresh from typed staging", size, share, target, form="{:.1%}")
    yield Figure("Its start-up ÷ its SQL time", size, _start_up(days) / _sql(days))
    late = days["late"][0]["sql"] / _sql(days)
    yield Figure("A day with 1 % of the profiles 100 days late ÷ a day in order", size, late, 3.0)
    if "growth" in world and "days" in smaller:
        exponent = math.log10(_sql(world["growth"]) / _sql(smaller["days"]))
        yield Figure(
            "Growth exponent of a day, history x 10, same new rows", size, exponent, 0.1, form="{:.2f}"
        )


def _goals(size: str, by_goals: dict[str, dict]) -> Iterator[Figure]:
    def exponent(seconds: dict[str, float], fewer: str, more: str) -> float:
        return math.log(seconds[more] / seconds[fewer]) / math.log(int(more) / int(fewer))

    all_of_it = {goals: build["sql"] for goals, build in by_goals.items()}
    before_output = {goals: build["sql"] - build["floor"]["write"] for goals, build in by_goals.items()}
    for fewer, more in (("5", "20"), ("20", "60")):
        steps = f"goals {fewer} → {more}"
        yield Figure(
            f"Growth exponent, {steps}, without writing the marts",
            size,
            exponent(before_output, fewer, more),
            0.5,
            form="{:.2f}",
        )
        yield Figure(
            f"Growth exponent, {steps}, with it", size, exponent(all_of_it, fewer, more), form="{:.2f}"
        )


def _peers(size: str, deliveries: int, joins: dict) -> Iterator[Figure]:
    def best(tool: str) -> list[dict]:
        return [min(ways[tool].values(), key=lambda figures: figures["seconds"]) for ways in joins.values()]

    def total(tool: str) -> float:
        return sum(figures["seconds"] for figures in best(tool))

    def peak(tool: str) -> float:
        return max(figures["peak_bytes"] for figures in best(tool))

    for tool, target, judged_at in (("polars", 2.5, 10_000_000), ("pandas", 1.5, 1_000_000)):
        if all(tool in ways for ways in joins.values()):
            is_judged = deliveries == judged_at
            yield Figure(
                f"Three joins: {tool} ÷ ours",
                size,
                total(tool) / total("goalpost"),
                target if is_judged else None,
                at_least=True,
            )
            for join, ways in joins.items():
                seconds = {
                    each: min(way["seconds"] for way in ways[each].values()) for each in (tool, "goalpost")
                }
                yield Figure(f"— {join}: {tool} ÷ ours", size, seconds[tool] / seconds["goalpost"])
            memory = 0.5 if is_judged and tool == "polars" else None
            yield Figure(
                f"Three joins, peak memory: ours ÷ {tool}", size, peak("goalpost") / peak(tool), memory
            )


def _sql(measured: dict) -> float:
    return median(build["sql"] for build in measured["builds"])


def _start_up(measured: dict) -> float:
    return median(build["wall"] - build["sql"] for build in measured["builds"])


def _table(figures: list[Figure]) -> str:
    lines = ["| | deliveries | target | measured | met |", "|---|---|---|---|---|"]
    for figure in figures:
        target, met = "", ""
        if figure.target:
            target = ("≥ " if figure.at_least else "≤ ") + figure.form.format(figure.target)
            met = "yes" if figure.used <= 1 else "**no**"
        lines.append(
            f"| {figure.what} | {figure.size} | {target} | {figure.form.format(figure.measured)} | {met} |"
        )
    return "\n".join(lines)


def _page(figures: list[Figure]) -> str:
    missed = [figure for figure in figures if figure.used > 1]
    why = "\n".join(f"- *{figure.what}*, {figure.size}: {WHY.get(figure.what, '')}" for figure in missed)
    return (
        (Path(__file__).parent / "page.md")
        .read_text("utf-8")
        .format(
            table=_table(figures),
            missed=f"## What is missed, and why\n\n{why}\n" if missed else "",
            machine=_machine(),
        )
    )


def _machine() -> str:
    cores, memory = os.cpu_count(), os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    tools = ", ".join(f"{tool} {version(tool)}" for tool in ("duckdb", "polars", "pandas"))
    machine = f"{_cpu()}, {cores} cores, {memory:.0f} GB of memory, {_system()}"
    return f"{machine}; Python {platform.python_version()}, {tools}"


def _cpu() -> str:
    described = Path("/proc/cpuinfo")
    lines = described.read_text().splitlines() if described.exists() else []
    return next(
        (line.split(":")[1].strip() for line in lines if line.startswith("model name")), platform.machine()
    )


def _system() -> str:
    try:
        return platform.freedesktop_os_release()["PRETTY_NAME"]
    except OSError:
        return platform.platform()


def _plot(figures: list[Figure]) -> str:
    """A bar for each target, as long as the share of it that is used."""
    row, label, scale, top = 22, 520, 160, 40
    widest = 2.5  # times the target; longer bars are cut
    rows = []
    for place, figure in enumerate(figures):
        colour = "#3a7d5c" if figure.used <= 1 else "#c0563b"
        y, length = top + place * row, max(min(figure.used, widest), 0) * scale
        rows.append(
            f'<text x="{label - 8}" y="{y + 14}" text-anchor="end">{figure.what}, {figure.size}</text>'
            f'<rect x="{label}" y="{y + 3}" width="{length:.0f}" height="14" fill="{colour}"/>'
            f'<text x="{label + length + 6:.0f}" y="{y + 14}">{figure.form.format(figure.measured)}</text>'
        )
    width, height, target = label + int(widest * scale) + 90, top + len(figures) * row + 12, label + scale
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" '
        'font-family="sans-serif" font-size="12">'
        f'<rect width="{width}" height="{height}" fill="white"/>'
        f'<text x="{target}" y="24" text-anchor="middle">target</text>'
        f'<line x1="{target}" y1="30" x2="{target}" y2="{height - 8}" stroke="#444" stroke-dasharray="4 3"/>'
        f"{''.join(rows)}</svg>\n"
    )
