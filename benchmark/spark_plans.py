"""`python -m benchmark.spark_plans`: what a cluster does for each model, by its plans (docs/spark-plans.md).

Belongs here: a run of the demo on a cluster of this machine; reading the plans, and what each model cost; the
page. Does not: any model.

Each model is explained as a full refresh computes it, with broadcasts by size turned off. So the plan is that
of tables too large to broadcast: every broadcast that is left is one that Spark cannot avoid, whatever the
size.
"""

import json
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path

from dbt.cli.main import dbtRunner

from orchestration.processes import changed_environment
from orchestration.settings import PROJECT_ROOT, Settings
from orchestration.spark.build import environment, folders, parse
from orchestration.spark.cluster import chosen, local_cluster
from orchestration.spark.connection import Spark, connect

PAGE = PROJECT_ROOT / "docs" / "spark-plans.md"
# An adaptive plan shows only when it runs which shuffles serve twice, and Spark cuts a long one.
SESSION = "set spark.sql.adaptive.enabled = false", "set spark.sql.maxPlanStringLength = 100000000"
BROADCASTS_BY_SIZE = "set spark.sql.autoBroadcastJoinThreshold = {}"
# A line of a plan: these signs draw the tree, an asterisk and a number mark generated code.
LINE = re.compile(r"^(?P<tree>[ :+\-]*)(?:\*\(\d+\) )?(?P<operator>\w.*)$")
TABLE = re.compile(r"spark_catalog\.(\w+\.\w+)")
JOINS = "SortMergeJoin", "ShuffledHashJoin"
LOOPS = "BroadcastNestedLoopJoin", "CartesianProduct"
# dbt begins each statement with a comment that names the node.
NODE = re.compile(r'"node_id": "model\.goalpost\.(\w+)"')
STARTED = "org.apache.spark.sql.execution.ui.SparkListenerSQLExecutionStart"
# A table with one of these columns has a row for each person, message or event.
GROWING = {"profile_key", "profile_id", "delivery_id", "delivery_key", "event_id"}


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
        return {
            table
            for step in self.all()
            if step.name == "BatchScan"
            for table in TABLE.findall(step.operator)[:1]
        }


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
class Cost:
    """What the tasks of a model took, on all executors."""

    cpu_seconds: float = 0
    shuffled_bytes: int = 0
    spilled_bytes: int = 0


def costs(events: Path) -> tuple[dict[str, Cost], dict[str, int]]:
    """By model, from Spark's own record of its events; and the tasks by executor."""
    models: dict[str, str] = {}  # by the number of the execution
    stages: dict[int, str] = {}
    found: dict[str, Cost] = {}
    executors: dict[str, int] = {}
    for file in sorted(events.iterdir()):
        for line in file.open():
            event = json.loads(line)
            match event["Event"]:
                case kind if kind == STARTED:
                    if node := NODE.search(event["description"]):
                        models[str(event["executionId"])] = node[1]
                case "SparkListenerJobStart":
                    execution = event["Properties"].get("spark.sql.execution.id")
                    stages |= dict.fromkeys(event["Stage IDs"], models.get(execution, "other statements"))
                case "SparkListenerTaskEnd" if metrics := event.get("Task Metrics"):
                    cost = found.setdefault(stages.get(event["Stage ID"], "other statements"), Cost())
                    cost.cpu_seconds += metrics["Executor CPU Time"] / 1e9
                    cost.shuffled_bytes += metrics["Shuffle Write Metrics"]["Shuffle Bytes Written"]
                    cost.spilled_bytes += metrics["Disk Bytes Spilled"]
                    executor = event["Task Info"]["Executor ID"]
                    executors[executor] = executors.get(executor, 0) + 1
    return found, executors


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
    small: list[set[str]] = field(default_factory=list)  # broadcasts if the size allows


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
        dbtRunner(manifest=parse(settings)).invoke(
            ["compile", "--full-refresh", "--quiet", *folders(settings)]
        )
    compiled = settings.home / "spark" / "dbt" / "compiled" / "goalpost" / "models"
    with connect(settings) as spark:
        for statement in SESSION:
            spark.rows(statement)
        models = [path for path in sorted(compiled.rglob("*.sql")) if path.parent.suffix != ".yml"]
        spark.rows(BROADCASTS_BY_SIZE.format("10MB"))
        small = [_explained(spark, path).broadcasts for path in models]
        spark.rows(BROADCASTS_BY_SIZE.format(-1))
        found = [
            replace(_explained(spark, path), small=each) for path, each in zip(models, small, strict=True)
        ]
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


def page(
    found: list[Facts],
    growing: set[str],
    cost: dict[str, Cost],
    executors: dict[str, int],
    deliveries: int,
) -> str:
    """The page, from the facts of the models, the tables that grow with people, and what the demo cost."""
    rows = [_row(each, growing, cost.get(each.model, Cost())) for each in found if each.shuffles]
    pairs = [each.model for each in found for one, other in each.loops if one & growing and other & growing]
    copies = [each.model for each in found if any(tables & growing for tables in each.broadcasts)]
    alone = [each.model for each in found if any(tables & growing for tables in each.to_one)]
    text = (Path(__file__).parent / "spark_plans.md").read_text()
    shuffled = sum(each.shuffled_bytes for each in cost.values())
    return text.format(
        models=len(found),
        pairs=_names(pairs),
        copies=_names(copies),
        alone=_names(alone),
        shuffles=sum(each.shuffles for each in found),
        deliveries=f"{deliveries:,}",
        shuffled=f"{shuffled / 1e6:,.0f} MB",
        each=f"{shuffled / deliveries:,.0f}",
        spilled=f"{sum(each.spilled_bytes for each in cost.values()) / 1e6:,.0f} MB",
        cpu=f"{sum(each.cpu_seconds for each in cost.values()):,.0f}",
        tasks=" and ".join(f"{tasks:,}" for _, tasks in sorted(executors.items())),
        rows="\n".join(rows),
    )


def _row(facts: Facts, growing: set[str], cost: Cost) -> str:
    figures = (
        len(facts.tables & growing),
        len(facts.tables - growing),
        facts.shuffles,
        facts.sort_merge_joins,
        len(facts.loops),
        len(facts.to_one),
        len(facts.broadcasts),
        len(facts.small),
        f"{cost.cpu_seconds:.1f}",
        f"{cost.shuffled_bytes / 1e6:.1f}",
    )
    return f"| `{facts.model}` | {' | '.join(str(figure or '') for figure in figures)} |"


def _names(models: list[str]) -> str:
    return ", ".join(f"`{model}`" for model in dict.fromkeys(models)) or "none"


def main() -> None:
    home = (Settings().home / "spark-plans").resolve()
    shutil.rmtree(home, ignore_errors=True)
    events = home / "events"
    events.mkdir(parents=True, exist_ok=True)
    recorded = {"spark.eventLog.enabled": "true", "spark.eventLog.dir": events.as_uri()}
    with (
        local_cluster(home / "spark", settings=recorded) as port,
        changed_environment(chosen(port) | {"GOALPOST_HOME": str(home)}),
    ):
        subprocess.run([Path(sys.executable).with_name("goalpost"), "demo", "--run"], check=True)
        with connect(Settings()) as spark:
            deliveries = spark.value("select count(*) from staging.stg_deliveries")
        found, growing = explain(Settings())
    PAGE.write_text(page(found, growing, *costs(events), deliveries))
    print(f"Wrote {PAGE.relative_to(PROJECT_ROOT)}")


if __name__ == "__main__":
    main()
