"""Each generic dbt test passes on data that keeps its rule and fails on data that breaks it.

A dbt project of a few views holds the data. A test fails for a generic test (dbt_project/tests/generic)
without data here, so nobody can add one that cannot fail.
"""

import shutil
from contextlib import closing, nullcontext
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

import pytest
import yaml
from dbt.cli.main import dbtRunner
from pipeline import Pipeline, directories, environment
from worlds import merged, world, write

from orchestration.runs import Run, open_increment
from orchestration.settings import DBT_PROJECT
from orchestration.warehouse import connect

GENERIC_TESTS = DBT_PROJECT / "tests" / "generic"


@dataclass(frozen=True)
class Data:
    """Selects on which a test passes, and on which it fails; each is named after its case."""

    passes: dict[str, str]
    fails: dict[str, str]
    arguments: dict = field(default_factory=dict)


DATA = {
    "unique_key": Data(
        arguments={"columns": ["a", "b"], "nullable": ["b"]},
        passes={
            "each_column_repeats_alone": "select * from (values (1, 1), (1, 2), (2, 1)) as data (a, b)",
            "a_nullable_column_is_null": "select * from (values (1, 1), (1, null)) as data (a, b)",
            "no_rows": "select 1 as a, 1 as b where false",
        },
        fails={
            "a_key_is_there_twice": "select * from (values (1, 1), (1, 1), (2, 1)) as data (a, b)",
            "a_key_with_a_null_is_there_twice": "select * from (values (1, null), (1, null)) as data (a, b)",
            "another_column_is_null": "select * from (values (1, 1), (null, 1)) as data (a, b)",
        },
    ),
    "one_row": Data(
        passes={"one": "select 1 as a"},
        fails={
            "none": "select 1 as a where false",
            "two": "select * from (values (1), (2)) as data (a)",
        },
    ),
    "refers_to": Data(
        arguments={"to": "ref('named')", "columns": ["a", "b"]},
        passes={
            "both_columns_name_one_row": "select * from (values (1, 'x'), (2, 'y'), (2, 'y')) as data (a, b)",
            "a_null_names_nothing": "select * from (values (1, null), (null, 'z')) as data (a, b)",
        },
        fails={
            "no_such_value": "select * from (values (1, 'x'), (3, 'x')) as data (a, b)",
            "the_columns_name_two_rows": "select * from (values (1, 'y')) as data (a, b)",
        },
    ),
}
ALL_ROWS = "{% macro rows_to_check(relation, key=[]) %}{{ relation }}{% endmacro %}"
NAMED = "select * from (values (1, 'x'), (2, 'y')) as data (a, b)"

CASES = [
    (test, outcome, case)
    for test, data in DATA.items()
    for outcome, cases in (("pass", data.passes), ("fail", data.fails))
    for case in cases
]


def name(test: str, case: str) -> str:
    return f"{test}__{case}"


@pytest.fixture(scope="module")
def outcomes(tmp_path_factory) -> dict[str, str]:
    """One dbt build of all cases: the name of a case to the outcome of its test."""
    project = tmp_path_factory.mktemp("project")
    write_project(project)
    with environment(GOALPOST_WAREHOUSE=str(project / "warehouse.duckdb")):
        built = dbtRunner().invoke(["build", "--quiet", *directories(project, project)])
    assert built.exception is None, built.exception
    return {result.node.name: str(result.status) for result in built.result}


def write_project(project: Path) -> None:
    shutil.copytree(GENERIC_TESTS, project / "tests" / "generic")
    shutil.copy(DBT_PROJECT / "profiles.yml", project)
    (project / "macros").mkdir()
    (project / "macros" / "rows_to_check.sql").write_text(ALL_ROWS)
    (project / "dbt_project.yml").write_text("{name: cases, profile: goalpost, model-paths: [models]}")
    models = project / "models"
    models.mkdir()
    (models / "named.sql").write_text(NAMED)
    described = []
    for test, outcome, case in CASES:
        data = DATA[test]
        select = (data.passes if outcome == "pass" else data.fails)[case]
        (models / f"{name(test, case)}.sql").write_text(select)
        tested = {test: {"name": f"test_{name(test, case)}", "arguments": data.arguments}}
        described.append({"name": name(test, case), "data_tests": [tested]})
    (models / "cases.yml").write_text(yaml.safe_dump({"models": described}))


@pytest.mark.parametrize(("test", "outcome", "case"), CASES)
def test_a_generic_test_tells_good_data_from_bad(outcomes, test, outcome, case):
    assert outcomes[f"test_{name(test, case)}"] == outcome


def test_every_generic_test_has_data_on_which_it_passes_and_fails():
    assert set(DATA) == {path.stem for path in GENERIC_TESTS.glob("*.sql")}
    assert all(data.passes and data.fails for data in DATA.values())


@pytest.fixture(scope="module")
def built(tmp_path_factory) -> Pipeline:
    pipeline = Pipeline(tmp_path_factory.mktemp("built"))
    write(merged(world(seed) for seed in range(5)), pipeline.landing)
    pipeline.run(datetime(2024, 6, 1))
    return pipeline


FACT = "marts.fct_impressions"
AFFECTED = (
    "insert into intermediate.int_affected_profiles (profile_key) "
    "select min(profile_key) from marts.fct_impressions"
)
ITS = "profile_key = (select profile_key from intermediate.int_affected_profiles)"


@pytest.mark.parametrize(
    ("fault", "test", "is_found"),
    [
        (f"insert into {FACT} from {FACT} where {ITS}", "unique_key", True),
        (
            f"insert into {FACT} from {FACT} where not {ITS}",
            "unique_key",
            False,
        ),
        (
            "insert into marts.fct_impressions select * replace (profile_key + 1 as profile_key) "
            f"from marts.fct_impressions where {ITS}",
            "unique_key",
            True,
        ),
        (f"update marts.fct_impressions set goal_version = '1999-01-01' where {ITS}", "refers_to", True),
        (f"update marts.fct_impressions set goal_version = '1999-01-01' where not {ITS}", "refers_to", False),
    ],
)
def test_an_incremental_run_tests_the_rows_of_the_profiles_that_it_affects(
    fault: str, test: str, is_found: bool, built: Pipeline, tmp_path: Path
):
    copy = Pipeline(tmp_path)
    built.copy_databases(copy)
    with closing(connect(copy.settings)) as connection:
        connection.execute(AFFECTED)
        connection.execute(fault)
    open_increment(copy.settings, Run("run", datetime(2024, 6, 1), "running", False, "code"))

    # As a run does; `dbt test` by hand checks everything.
    chosen = ("--resource-type", "test", "--select", f"fct_impressions,test_name:{test}")
    with pytest.raises(AssertionError) if is_found else nullcontext():
        copy.dbt("build", *chosen)
    with pytest.raises(AssertionError):
        copy.dbt("test", *chosen[2:])
