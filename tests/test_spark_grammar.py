"""Spark's own parser reads every statement that models and tests become there, when everything is computed
and when an increment is. No cluster runs here: make test-spark has one."""

import shutil

import pytest
from dbt.cli.main import dbtRunner

from orchestration.settings import Settings
from orchestration.spark.build import environment, folders

NEEDED = pytest.mark.skipif(not shutil.which("java"), reason="Spark's parser needs Java")
NO_WAREHOUSE = ("--no-introspect", "--no-populate-cache")
NOT_SQL = ("--exclude", "file:*.py", "resource_type:unit_test")


@pytest.fixture(scope="module")
def parser():
    gateway_of_spark = pytest.importorskip(
        "pyspark.java_gateway", reason="`make test-spark-grammar` installs its parser"
    )
    gateway = gateway_of_spark.launch_gateway()
    yield gateway.jvm.org.apache.spark.sql.execution.SparkSqlParser()
    gateway.shutdown()
    gateway.proc.stdin.close()


@NEEDED
@pytest.mark.parametrize("computed", ["everything", "an increment"])
def test_spark_can_read_every_model_and_test(computed, parser, tmp_path):
    from py4j.protocol import Py4JJavaError

    settings = Settings(home=tmp_path)
    full = ["--full-refresh"] if computed == "everything" else []
    with environment(settings):
        compiled = dbtRunner().invoke(["compile", *full, *NO_WAREHOUSE, *NOT_SQL, *folders(settings)])
    assert compiled.success, compiled.exception
    files = sorted((tmp_path / "spark" / "dbt" / "compiled").rglob("*.sql"))
    refused = []
    for file in files:
        try:
            parser.parsePlan(file.read_text())
        except Py4JJavaError as error:
            refused.append(f"{file.stem}: {' '.join(str(error.java_exception.getMessage()).split())[:300]}")
    assert refused == []
    assert len(files) > 150
