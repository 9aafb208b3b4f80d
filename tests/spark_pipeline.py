"""The pipeline on Spark, as tests use it: as pipeline.Pipeline; and a cluster for tables of a few rows."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from functools import cache
from pathlib import Path

from orchestration.processes import changed_environment
from orchestration.settings import Settings
from orchestration.spark import control
from orchestration.spark.build import WITHOUT_UNIT_TESTS, build, parse
from orchestration.spark.cluster import local_cluster
from orchestration.spark.connection import Spark, connect
from orchestration.spark.landing import land_new_files

# For a few rows, generating code takes longer than running it, and two partitions are one for each core.
FEW_ROWS = {"spark.sql.codegen.wholeStage": "false", "spark.sql.codegen.factoryMode": "NO_CODEGEN"}
PARTITIONS = {"GOALPOST_SPARK_PARTITIONS": "2"}


@contextmanager
def cluster(folder: Path, workers: int = 0) -> Iterator[int]:
    """The port of the Thrift server of a cluster for a few rows."""
    with local_cluster(folder, workers=workers, settings=FEW_ROWS) as port, changed_environment(PARTITIONS):
        yield port


class SparkPipeline:
    """The tables of one home. The lakehouse has one set of schemas: a new pipeline begins with none."""

    def __init__(self, home: Path, port: int):
        self.settings = Settings(home=home, landing=str(home / "landing"), spark_port=port)
        self._spark: Spark | None = None
        with connect(self.settings) as spark:
            for schema in control.SCHEMAS:
                spark.run(f"drop schema if exists {schema} cascade")
            control.create_tables(spark)

    @property
    def landing(self) -> Path:
        return Path(self.settings.landing)

    def run(self, as_of: datetime, *arguments: str) -> None:
        """Land what is new and build every model."""
        with connect(self.settings) as spark:
            land_new_files(self.settings, spark)
            control.set_clock(spark, as_of)
            control.open_increment(spark, "run", is_everything="--full-refresh" in arguments)
            build(
                self.settings,
                *("--exclude-resource-type", "test", *WITHOUT_UNIT_TESTS),
                *arguments,
                manifest=manifest(self.settings.spark_port),
            )
            control.move_watermark(spark)

    @contextmanager
    def reading(self) -> Iterator[Spark]:
        """One session for all queries of the block."""
        if self._spark:
            yield self._spark
            return
        with connect(self.settings) as self._spark:
            try:
                yield self._spark
            finally:
                self._spark = None

    def query(self, sql: str) -> list[dict]:
        with self.reading() as spark:
            if "information_schema" in sql:
                return [
                    {
                        "name": f"{schema}.{table}",
                        "columns": list(_types(spark, f"{schema}.{table}")),
                    }
                    for schema in ("marts", "quarantine")
                    for table in spark.tables(schema)
                ]
            if not sql.startswith("select * from "):
                return spark.rows(sql)
            table = sql.removeprefix("select * from ")
            lists = {name for name, kind in _types(spark, table).items() if kind.startswith("array")}
            columns = ", ".join(
                f"to_json({name}) as {name}" if name in lists else name for name in _types(spark, table)
            )
            rows = spark.rows(f"select {columns} from {table}")
        for row in rows:
            for name in lists:
                row[name] = json.loads(row[name]) if row[name] is not None else None
        return rows

    def mart(self, name: str) -> list[dict]:
        return self.query(f"select * from marts.{name}")


@cache
def manifest(port: int):
    return parse(Settings(spark_port=port))


def _types(spark, table: str) -> dict[str, str]:
    return {row["col_name"]: row["data_type"] for row in spark.rows(f"describe {table}") if row["data_type"]}
