"""What the command line says when GOALPOST_ENGINE is spark, without a cluster."""

import pytest
from typer.testing import CliRunner

from orchestration.cli import ON_SPARK, app
from orchestration.errors import GoalpostError
from orchestration.settings import Settings


@pytest.fixture(autouse=True)
def engine(monkeypatch, tmp_path):
    monkeypatch.setenv("GOALPOST_ENGINE", "spark")
    monkeypatch.setenv("GOALPOST_HOME", str(tmp_path))
    monkeypatch.setenv("GOALPOST_SPARK_PORT", "1")


def test_commands_that_only_duckdb_knows_refuse_in_a_sentence():
    commands = {each.name or each.callback.__name__ for each in app.registered_commands}
    commands |= {each.name for each in app.registered_groups}
    assert set(ON_SPARK) <= commands
    for command in sorted(commands - set(ON_SPARK)):
        refused = CliRunner().invoke(app, [command, "list"])
        assert isinstance(refused.exception, GoalpostError)
        assert str(refused.exception) == (
            f"`goalpost {command}` works on DuckDB only, and GOALPOST_ENGINE says spark (docs/spark.md)."
        )


def test_a_cluster_that_does_not_answer_is_named_with_the_settings_that_name_it():
    pytest.importorskip("pyhive", reason="`make .venv/.spark` installs Spark's client")
    failed = CliRunner().invoke(app, ["run"])
    assert isinstance(failed.exception, GoalpostError)
    assert "No Spark Thrift server answers at 127.0.0.1:1" in str(failed.exception)
    assert "GOALPOST_SPARK_HOST" in str(failed.exception)


def test_the_reports_of_spark_lie_beside_the_marts_of_duckdb(tmp_path):
    assert Settings().published == tmp_path / "spark" / "marts.duckdb"
    assert Settings(engine="duckdb").published == tmp_path / "marts.duckdb"
