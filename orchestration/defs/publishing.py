"""The last asset: the published marts.

Belongs here: the asset. Does not: publishing (publish.py).
"""

from dagster import AssetExecutionContext, MaterializeResult, asset

from orchestration import runs
from orchestration.changes import keep_state
from orchestration.defs.models import MANIFEST, MARTS_FRESHNESS, models, owner
from orchestration.defs.run import GoalpostRun
from orchestration.interruption import if_interrupted
from orchestration.publish import publish

MARTS = sorted(key for key in models.keys if key.path[0] == "marts")


@asset(
    deps=MARTS,
    group_name="published",
    owners=[owner("reporting")],
    kinds={"duckdb", "parquet"},
    freshness_policy=MARTS_FRESHNESS,
)
def published_marts(context: AssetExecutionContext, run: GoalpostRun) -> MaterializeResult:
    """marts.duckdb, and Parquet per mart, each file replaced whole: BI tools read these, not the working
    file."""
    run.refuse_what_cannot_be_right()
    run.record_steps(context.instance)
    published = publish(run.settings, run.run_id, run.prepared)
    runs.finish_run(run.settings, run.run_id, "succeeded")
    keep_state(run.settings, run.started.files, MANIFEST)
    if_interrupted("interrupted; the run had published everything before that.")
    context.log.info(f"published {len(published.rows)} marts to {published.database}")
    if published.written:
        context.log.info(published.written.sentence)
    if published.warning:
        context.log.warning(published.warning)
    return MaterializeResult(
        metadata={
            "database": str(published.database),
            "parquet": str(published.folder),
            "rows": published.rows,
        }
    )
