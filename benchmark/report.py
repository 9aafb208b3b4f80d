"""The report: the targets, what was measured, and whether the targets are met.

Belongs here: judging the kept results and writing the report (benchmark.md, benchmark.svg). Does not:
measuring.
"""

import math
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from statistics import median

from benchmark import kept

REFRESH = "Full refresh from typed staging ÷ floor"
LANDED = "Full refresh from landed JSON ÷ floor"
REFRESH_GROWTH = "Growth exponent of a full refresh, ten times the people"
PEAK = "Peak memory of a full refresh"
LOW_MEMORY = "Full refresh with a memory limit of 2 GB ÷ without (it finishes)"
DAY = "A day in order ÷ full refresh from typed staging"
LATE = "A day with 1 % of the profiles 100 days late ÷ a day in order"
GROWTH_PEOPLE = "Growth exponent of a day, ten times the people, same new rows"
GROWTH_HISTORY = "Growth exponent of a day, ten times the days, same people, same new rows"
CHANGES = "Reading changes of profiles ÷ reading as many snapshots"
GOALS = "Growth exponent, goals {} → {}, without writing the marts"
RUN = "goalpost run on 1,000 rows"
SENSOR = "From landing to the marts, by the sensor"
ROOM = "Warehouse ÷ the same rows in new files, after {} days of runs"

# The maximum of each figure, in every world or in some.
EVERYWHERE = ""
TARGETS: dict[str, dict[str, float]] = {
    REFRESH: {"1M": 3.0, "10M": 3.0},
    LANDED: {"1M": 2.0},
    REFRESH_GROWTH: {EVERYWHERE: 1.05},
    PEAK: {"10M": 4.0},
    DAY: {"1M": 0.08, "10M": 0.05},
    LATE: {"1M": 3.0, "10M": 3.0},
    GROWTH_PEOPLE: {EVERYWHERE: 0.35},
    GROWTH_HISTORY: {EVERYWHERE: 0.1},
    CHANGES: {"1M": 2.0},
    GOALS.format(5, 20): {"1M": 0.5},
    GOALS.format(20, 60): {"1M": 0.5},
    RUN: {"1M": 20.0},
    SENSOR: {"1M": 25.0},
    ROOM.format(30): {"1M": 1.5},
}

# Why a target is missed: only what an experiment showed, with the experiment. The report lists the nodes'
# cost.
WHY: dict[str, str] = {
    REFRESH: (
        "the floor reads and writes what a full refresh reads and writes; computing, and the tables that are "
        "kept for later runs, come on top. Nine tenths of writing the marts are their texts, which the floor "
        "writes too (experiment: all marts of 1M written with their texts took 7.9 CPU s, without them 0.8). "
        "Two threads cost more than one (experiment: the statements of 1M on one thread took 21.8 instead of "
        "24.3 CPU s, and half as long again by the clock)."
    ),
    DAY: (
        "its rows are few, but they are of a quarter of all profiles (in 1M: 24,242 of 100,000), and some "
        "twenty statements look up what these profiles did before. DuckDB reads whole columns for that: no "
        "index helps a join. So a day costs much however few rows there are (experiments: the day of ten "
        "messages, in the row below; of its 2.5 CPU s, planning took 0.2, reading tables 0.7, joins and "
        "groups 0.5, the checkpoint 0.2)."
    ),
    LANDED: "the files are landed first, which the floor does not do (experiment: the row below).",
    REFRESH_GROWTH: (
        "five profiles are very hot, and get ten times the messages and achievements: their touches grow "
        "with the product (experiment: 138,114 touches in 1M, 7,722,178 in 10M)."
    ),
    GROWTH_PEOPLE: "the look-ups of a day read ten times the rows (experiment: the days of ten messages).",
    GROWTH_HISTORY: "the look-ups of a day read ten times the rows (experiment: the days of ten messages).",
}


@dataclass(frozen=True)
class Figure:
    """`cpu`: CPU seconds of what is measured."""

    what: str
    world: str
    measured: float
    cpu: float | None = None
    form: str = "{:.2f} x"

    @property
    def target(self) -> float | None:
        targets = TARGETS.get(self.what, {})
        return targets.get(self.world, targets.get(EVERYWHERE))

    @property
    def used(self) -> float:
        """The share of the target that is used; above 1, the target is missed."""
        return self.measured / self.target if self.target else 0


def write(home: Path, docs: Path) -> str:
    """Write the report of all worlds in the home, and return its table."""
    worlds = kept.read_all(home)
    figures = [figure for name in worlds for figure in _judged(name, worlds)]
    docs.mkdir(parents=True, exist_ok=True)
    (docs / "benchmark.svg").write_text(_plot([figure for figure in figures if figure.target]), "utf-8")
    (docs / "benchmark.md").write_text(_page(worlds, figures), "utf-8")
    return _table(worlds, figures)


def _judged(name: str, worlds: dict[str, dict]) -> Iterator[Figure]:
    results = _results(worlds[name])
    refresh, days = results.get("full_refresh"), results.get("days")
    if refresh:
        yield from _full_refresh(name, refresh, _tenth(name, worlds, of="people").get("full_refresh"))
    if landed := results.get("landed"):
        yield from _landed(name, landed)
    if low_memory := results.get("low_memory"):
        if refresh:
            yield Figure(LOW_MEMORY, name, _sql(low_memory) / _sql(refresh), _sql(low_memory))
        yield _peak("— its peak memory", name, low_memory)
    if days:
        yield from _days(name, days, refresh)
        if shorter := _tenth(name, worlds, of="days").get("days"):
            yield _growth(GROWTH_HISTORY, name, days, shorter)
    if (growth := results.get("growth")) and (fewer := _tenth(name, worlds, of="people").get("days")):
        yield _growth(GROWTH_PEOPLE, name, growth, fewer)
    if goals := results.get("goals"):
        yield from _goals(name, goals)
    if costs := results.get("profile_changes"):
        snapshots, profile_changes = (
            sum(costs[table].values()) for table in ("profile_snapshots", "profile_changes")
        )
        yield Figure(CHANGES, name, profile_changes / snapshots, profile_changes)
    if peers := results.get("peer_tools"):
        yield from _peers(name, peers)
    if run := results.get("small_run"):
        yield Figure(RUN, name, median(run["walls"]), median(run["cpu"]), form="{:.1f} s")
    if sensor := results.get("sensor"):
        yield Figure(SENSOR, name, median(sensor["waits"]), form="{:.1f} s")
    if room := results.get("room"):
        yield from _room(name, room)


def _results(world: dict) -> dict[str, dict]:
    return {measure: each["result"] for measure, each in world["measures"].items()}


def _tenth(name: str, worlds: dict[str, dict], of: str) -> dict[str, dict]:
    """The results of the world with a tenth of the days, or of the people over the same days."""
    world = worlds[name]["world"]
    fewer = {"days": "deliveries days", "people": "deliveries profiles"}[of].split()
    wanted = world | {each: world[each] // 10 for each in fewer}
    return next((_results(each) for each in worlds.values() if each["world"] == wanted), {})


def _full_refresh(name: str, refresh: dict, smaller: dict | None) -> Iterator[Figure]:
    floor = median(sum(floor.values()) for floor in refresh["floors"])
    writing = median(floor["write"] for floor in refresh["floors"])
    yield Figure(REFRESH, name, _sql(refresh) / floor, _sql(refresh))
    yield Figure("— writing the marts in the floor ÷ floor", name, writing / floor, floor, form="{:.0%}")
    yield _around(name, refresh)
    yield _peak(PEAK, name, refresh)
    if smaller:
        yield _growth(REFRESH_GROWTH, name, refresh, smaller)


def _landed(name: str, landed: dict) -> Iterator[Figure]:
    everything = landed["landing"] + landed["build"]["sql"]
    yield Figure(LANDED, name, everything / sum(landed["floor"].values()), everything)
    share = landed["landing"] / everything
    yield Figure("— landing the files ÷ all of it", name, share, landed["landing"], form="{:.0%}")


def _days(name: str, days: dict, refresh: dict | None) -> Iterator[Figure]:
    if refresh:
        yield Figure(DAY, name, _sql(days) / _sql(refresh), _sql(days), form="{:.1%}")
    few = days["few_rows"][0]["sql"]
    yield Figure("— a day of ten messages ÷ a day in order", name, few / _sql(days), few)
    yield _around(name, days)
    late = days["late"][0]["sql"]
    yield Figure(LATE, name, late / _sql(days), late)


def _goals(name: str, by_goals: dict[str, dict]) -> Iterator[Figure]:
    def exponent(cpu: dict[str, float], fewer: str, more: str) -> float:
        return math.log(cpu[more] / cpu[fewer]) / math.log(int(more) / int(fewer))

    all_of_it = {goals: build["sql"] for goals, build in by_goals.items()}
    before_output = {goals: build["sql"] - build["floor"]["write"] for goals, build in by_goals.items()}
    for fewer, more in (("5", "20"), ("20", "60")):
        without = exponent(before_output, fewer, more)
        yield Figure(GOALS.format(fewer, more), name, without, before_output[more], form="{:.2f}")
        with_it = exponent(all_of_it, fewer, more)
        yield Figure(f"— goals {fewer} → {more}, with it", name, with_it, all_of_it[more], form="{:.2f}")


def _peers(name: str, joins: dict) -> Iterator[Figure]:
    def best(join: str, tool: str) -> dict:
        return min(joins[join][tool].values(), key=lambda figures: figures["cpu"])

    def total(tool: str) -> float:
        return sum(best(join, tool)["cpu"] for join in joins)

    def peak(tool: str) -> float:
        return max(best(join, tool)["peak_bytes"] for join in joins)

    for tool in ("polars", "pandas"):
        if all(ways.get(tool) for ways in joins.values()):
            yield Figure(
                f"Three joins: {tool} ÷ ours", name, total(tool) / total("goalpost"), total("goalpost")
            )
            for join in joins:
                ours, theirs = best(join, "goalpost")["cpu"], best(join, tool)["cpu"]
                yield Figure(f"— {join}: {tool} ÷ ours", name, theirs / ours, ours)
            yield Figure(f"— peak memory: {tool} ÷ ours", name, peak(tool) / peak("goalpost"))


def _room(name: str, room: dict) -> Iterator[Figure]:
    for place, each in enumerate(room["every_ten_days"]):
        yield Figure(ROOM.format(place * 10), name, each["file"] / each["compact"])
    cpu = [build["sql"] for build in room["builds"]]
    yield Figure("— the last three days ÷ the first three", name, sum(cpu[-3:]) / sum(cpu[:3]))


def _sql(measured: dict) -> float:
    return median(build["sql"] for build in measured["builds"])


def _around(name: str, measured: dict) -> Figure:
    around = median(build["around"] for build in measured["builds"])
    return Figure("— start-up and dbt's own work ÷ its statements", name, around / _sql(measured), around)


def _peak(what: str, name: str, measured: dict) -> Figure:
    peak = max(build["peak_bytes"] for build in measured["builds"]) / 2**30
    return Figure(what, name, peak, form="{:.1f} GB")


def _growth(what: str, name: str, larger: dict, smaller: dict) -> Figure:
    exponent = math.log10(_sql(larger) / _sql(smaller))
    return Figure(what, name, exponent, _sql(larger), form="{:.2f}")


def _table(worlds: dict[str, dict], figures: list[Figure]) -> str:
    lines = [
        "| | world | target | measured | met | CPU s per million deliveries |",
        "|---|---|---|---|---|---|",
    ]
    for figure in figures:
        target, met, cpu = "", "", ""
        if figure.target:
            target = "≤ " + figure.form.format(figure.target)
            met = "yes" if figure.used <= 1 else "**no**"
        if figure.cpu is not None:
            cpu = f"{figure.cpu / _millions(worlds[figure.world]):.2f}"
        measured = figure.form.format(figure.measured)
        lines.append(f"| {figure.what} | {figure.world} | {target} | {measured} | {met} | {cpu} |")
    return "\n".join(lines)


def _millions(world: dict) -> float:
    return world["world"]["deliveries"] / 1e6


def _page(worlds: dict[str, dict], figures: list[Figure]) -> str:
    missed = [figure for figure in figures if figure.used > 1]
    reasons = "\n".join(
        f"- *{what}*{': ' + WHY[what] if what in WHY else '.'}"
        for what in dict.fromkeys(figure.what for figure in missed)
    )
    return (
        (Path(__file__).parent / "page.md")
        .read_text("utf-8")
        .format(
            table=_table(worlds, figures),
            missed=f"## What is missed, and why\n\n{reasons}\n\n" if reasons else "",
            nodes="\n".join(_nodes(worlds)),
            measured=_measured(worlds),
            took=_took(worlds),
        )
    )


def _nodes(worlds: dict[str, dict], most: int = 8) -> Iterator[str]:
    """The nodes whose statements cost most CPU."""
    for name, world in worlds.items():
        for measure, what in (("full_refresh", "A full refresh"), ("days", "A day in order")):
            if result := _results(world).get(measure):
                nodes = by_node(result["builds"])
                largest = sorted(nodes, key=nodes.__getitem__, reverse=True)[:most]
                total, millions = sum(nodes.values()), _millions(world)
                told = ", ".join(f"`{node}` {nodes[node] / millions:.2f}" for node in largest)
                rest = (total - sum(nodes[node] for node in largest)) / millions
                yield f"- {what}, {name}: {told}; the other {len(nodes) - len(largest)} {rest:.2f}."


def by_node(builds: list[dict]) -> dict[str, float]:
    """The CPU of each node's statements."""
    names = {node for build in builds for node in build["nodes"]}
    return {node: median(build["nodes"].get(node, 0) for build in builds) for node in names}


def _measured(worlds: dict[str, dict]) -> str:
    """The code and the machine of the measures; each measure on its own line if they differ."""
    where: dict[tuple[str, str], list[str]] = {}
    for name, world in worlds.items():
        for measure, each in world["measures"].items():
            where.setdefault((each["commit"], each["machine"]), []).append(f"{name} {measure}")
    told = [f"commit {commit}, on {machine}" for commit, machine in where]
    if len(told) == 1:
        return f"Measured at {told[0]}."
    lines = [f"- {place}: {', '.join(of)}" for place, of in zip(told, where.values(), strict=True)]
    return "\n".join(["**Not all figures are of the same code and machine:**", "", *lines])


def _took(worlds: dict[str, dict]) -> str:
    """The minutes that each measure took."""
    return "; ".join(
        f"{name}: "
        + ", ".join(f"{measure} {each['seconds'] / 60:.1f}" for measure, each in world["measures"].items())
        for name, world in worlds.items()
    )


def _plot(figures: list[Figure]) -> str:
    """A bar for each target; its length is the share of the target that is used."""
    row, label, scale, top = 22, 520, 160, 40
    widest = 2.5  # times the target; longer bars are cut
    rows = []
    for place, figure in enumerate(figures):
        colour = "#3a7d5c" if figure.used <= 1 else "#c0563b"
        y, length = top + place * row, max(min(figure.used, widest), 0) * scale
        rows.append(
            f'<text x="{label - 8}" y="{y + 14}" text-anchor="end">{figure.what}, {figure.world}</text>'
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
