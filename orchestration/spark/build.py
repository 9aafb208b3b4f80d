"""dbt on Spark.

Belongs here: dbt's environment for this engine, and the Python models in the middle of a build. Does not: any
model.
"""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

from dbt.cli.main import dbtRunner
from dbt.contracts.graph.manifest import Manifest
from dbt_common.events.base_types import EventMsg

from orchestration.errors import GoalpostError
from orchestration.processes import changed_environment
from orchestration.settings import DBT_PROJECT, Settings
from orchestration.spark.connection import Spark, connect
from orchestration.spark.python_models import hand_over

# Unit tests are about the code, not the data.
WITHOUT_UNIT_TESTS = ("--exclude-resource-type", "unit_test")


def build(settings: Settings, *arguments: str, manifest: Manifest | None = None) -> None:
    """`dbt build` on the cluster. Python models are computed here, when dbt comes to them.

    Raises GoalpostError with the first failure."""
    with environment(settings), connect(settings) as spark:
        manifest = manifest or parse(settings)
        handing = HandingOver(spark, manifest)
        done = dbtRunner(manifest=manifest, callbacks=[handing]).invoke(
            ["build", *arguments, *folders(settings)]
        )
    if not done.success:
        raise GoalpostError(first_failure(done, handing.failures))


def parse(settings: Settings) -> Manifest:
    """The project as dbt reads it for Spark. Raises GoalpostError."""
    with environment(settings):
        parsed = dbtRunner().invoke(["parse", "--quiet", *folders(settings)])
    if not isinstance(parsed.result, Manifest):
        raise GoalpostError(f"dbt cannot read {DBT_PROJECT}: {parsed.exception}")
    return parsed.result


class HandingOver:
    """Called by dbt with each of its events: when it starts a Python model, the rows are computed and handed
    over before it creates the view that reads them."""

    def __init__(self, spark: Spark, manifest: Manifest) -> None:
        self.spark = spark
        self.failures: dict[str, Exception] = {}
        self.models = {
            node.unique_id: {"name": node.name, "original_file_path": node.original_file_path}
            for node in manifest.nodes.values()
            if node.resource_type == "model" and node.language == "python"
        }

    def __call__(self, event: EventMsg) -> None:
        model = event.data.node_info.unique_id if event.info.name == "NodeStart" else None  # type: ignore[attr-defined]
        if model in self.models:
            try:
                hand_over(self.spark, self.models[model])
            except Exception as error:  # of a model that dbt skips, too: its inputs are not there
                self.failures[model] = error


def first_failure(done: Any, of_python_models: Mapping[str, Exception]) -> str:
    failed = [each for each in getattr(done.result, "results", ()) if each.status in ("error", "fail")]
    if not failed:
        return f"dbt stopped before it built a model: {done.exception}"
    told = str(of_python_models.get(failed[0].node.unique_id) or failed[0].message or "no message")
    message = " ".join(told.split("\tat ")[0].split())
    more = f" ({len(failed) - 1} more failed)" if len(failed) > 1 else ""
    return f"dbt {failed[0].node.resource_type} {failed[0].node.name} failed{more}: {message[:600]}"


def folders(settings: Settings) -> Sequence[str]:
    target = settings.home / "spark" / "dbt"
    return (
        *("--project-dir", str(DBT_PROJECT), "--profiles-dir", str(DBT_PROJECT), "--target", "spark"),
        *("--target-path", str(target), "--log-path", str(target)),
        *("--log-level", "none", "--log-level-file", "none"),
    )


@contextmanager
def environment(settings: Settings) -> Iterator[None]:
    """The variables that the profile reads."""
    variables: Mapping[str, str] = {
        "GOALPOST_SPARK_HOST": settings.spark_host,
        "GOALPOST_SPARK_PORT": str(settings.spark_port),
        "GOALPOST_SPARK_USER": settings.spark_user,
        "GOALPOST_IN_RUN": "true",
        "DBT_SEND_ANONYMOUS_USAGE_STATS": "false",
    }
    with changed_environment(variables):
        yield
