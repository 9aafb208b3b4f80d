"""Publishing on Spark: readers see what a run has built and checked.

Belongs here: the step of each mart from the branch on which it is built to `main`, which every reader of the
Iceberg table reads. Does not: whether to publish (run.py).

Only metadata changes, mart by mart: a reader that asks in this second may see one mart of the new run and one
of the old. If it is killed in between, the next run publishes the rest.
"""

from orchestration.spark.connection import Spark

BRANCH = "build"


def publish(spark: Spark) -> list[str]:
    """Publish every mart that changed. Returns their names. Raises SparkError."""
    published = []
    for mart in spark.tables("marts"):
        heads = {
            ref["name"]: ref["snapshot_id"]
            for ref in spark.rows(f"select name, snapshot_id from marts.{mart}.refs")
        }
        if BRANCH in heads and heads[BRANCH] != heads.get("main"):
            spark.run(f"call spark_catalog.system.fast_forward('marts.{mart}', 'main', '{BRANCH}')")
            published.append(mart)
    return published
