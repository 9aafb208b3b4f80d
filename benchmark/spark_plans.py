"""`python -m benchmark.spark_plans`: what the cluster does for each model, from Spark's plans: docs/spark-plans.md.

Belongs here: reading the plans, and the page. Does not: any measurement of time, or any model.

The lakehouse must be built (`goalpost run --engine spark`). Each model is explained as a full refresh computes it,
with broadcasts by size turned off. So the plan is that of tables too large to broadcast: every broadcast that is
left is one that Spark cannot avoid, whatever the size.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from dbt.cli.main import dbtRunner

from orchestration.settings import PROJECT_ROOT, Settings
from orchestration.spark.build import environment, folders, parse
from orchestration.spark.connection import Spark, connect

PAGE = PROJECT_ROOT / "docs" / "spark-plans.md"
SESSION = (
    "set spark.sql.autoBroadcastJoinThreshold = -1",
    "set spark.sql.adaptive.autoBroadcastJoinThreshold = -1",
    "set spark.sql.maxPlanStringLength = 100000000",
)
# A line of a plan: these signs draw the tree, an asterisk and a number mark generated code.
LINE = re.compile(r"^(?P<tree>[ :+\-]*)(?:\*\(\d+\) )?(?P<operator>\w.*)$")
TABLE = re.compile(r"spark_catalog\.(\w+\.\w+)")
JOINS = "SortMergeJoin", "ShuffledHashJoin"
LOOPS = "BroadcastNestedLoopJoin", "CartesianProduct"
# A table with one of these columns has a row for each person, message or event.
GROWING = {"profile_key", "profile_id", "delivery_id", "delivery_key", "event_id", "file_id"}


@dataclass
class Step:
    """One operator of a plan. `below`: the operators that feed it."""

    operator: str
    below: list["Step"] = field(default_factory=list)

    @property
    def name(self) -> str:
        return re.split(r"\W", self.operator, maxsplit=1)[0]

    def all(self) -> Iterator["Step"]:
        yield self
        for step in self.below:
            yield from step.all()

    def tables(self) -> set[str]:
        """The tables that it reads, directly or not."""
        return {table for step in self.all() if step.name == "BatchScan" for table in TABLE.findall(step.operator)[:1]}


def read_plan(text: str) -> Step:
    """The tree of a plan, as `explain` writes it."""
    root = Step("plan")
    path: list[tuple[int, Step]] = [(-1, root)]
    for line in text.splitlines():
        matched = LINE.match(line)
        if not matched or line.startswith("=="):
            continue
        depth, step = len(matched["tree"]), Step(matched["operator"])
        while path[-1][0] >= depth:
            path.pop()
        path[-1][1].below.append(step)
        path.append((depth, step))
    return root


@dataclass
class Facts:
    """What one model asks of the cluster. Tables are sets of names."""

    model: str
    tables: set[str]
    shuffles: int
    sort_merge_joins: int
    to_one: list[set[str]]  # rows that come together on one executor, and were not aggregated before
    broadcasts: list[set[str]]  # what every executor gets a copy of, whatever its size
    loops: list[tuple[set[str], set[str]]]  # joins of each row with each: the two sides


def facts_of(model: str, plan: Step) -> Facts:
    """The facts of one plan."""
    steps = list(plan.all())
    exchanges = [step for step in steps if step.name == "Exchange"]
    return Facts(
        model=model,
        tables=plan.tables(),
        shuffles=len(exchanges),
        sort_merge_joins=sum(step.name in JOINS for step in steps),
        to_one=[
            step.tables()
            for step in exchanges
            if "SinglePartition" in step.operator and not _is_aggregated(step)
        ],
        broadcasts=[step.tables() for step in steps if step.name == "BroadcastExchange"],
        loops=[(step.below[0].tables(), step.below[1].tables()) for step in steps if step.name in LOOPS],
    )


def _is_aggregated(exchange: Step) -> bool:
    """Has each executor reduced its rows to one before they come together?"""
    return all("Aggregate" in step.name for step in exchange.below)


def explain(settings: Settings) -> tuple[list[Facts], set[str]]:
    """The facts of every SQL model, and the tables that grow with people. Raises GoalpostError."""
    with environment(settings):
        dbtRunner(manifest=parse(settings)).invoke(["compile", "--full-refresh", "--quiet", *folders(settings)])
    compiled = settings.home / "spark" / "dbt" / "compiled" / "goalpost" / "models"
    with connect(settings) as spark:
        for statement in SESSION:
            spark.rows(statement)
        found = [_explained(spark, path) for path in sorted(compiled.rglob("*.sql")) if path.parent.suffix != ".yml"]
        tables = {table for each in found for table in each.tables}
        return found, {
            table
            for table in tables
            if GROWING & {row["col_name"] for row in spark.rows(f"describe {table}")}
        }


def _explained(spark: Spark, path: Path) -> Facts:
    text = spark.value(f"explain {path.read_text()}")
    assert "== Physical Plan ==" in text, f"{path.stem}: {text[:500]}"
    return facts_of(path.stem, read_plan(text))


def main() -> None:
    found, growing = explain(Settings())
    for each in found:
        loops = [(a & growing, b & growing) for a, b in each.loops]
        print(each.model, len(each.tables), each.shuffles, each.sort_merge_joins, "ONE", each.to_one, "BR", [b for b in each.broadcasts if b & growing], "LOOPS", len(loops), [l for l in loops if l[0] and l[1]])


if __name__ == "__main__":
    main()
