"""What the dbt project says about itself: its unit tests pass, its descriptions match its columns.

The unit tests are beside the models (dbt_project/models/**/_unit_tests.yml). They test the code, so a
run of the pipeline skips them and this file runs them, on an empty warehouse: dbt takes the types of
their rows from the tables that it has built.
"""

from contextlib import closing
from datetime import datetime

import pytest
from pipeline import Pipeline, manifest

from orchestration.contract import RAW_TABLES
from orchestration.settings import DBT_PROJECT
from orchestration.warehouse import connect


@pytest.fixture(scope="module")
def pipeline(tmp_path_factory) -> Pipeline:
    empty = Pipeline(tmp_path_factory.mktemp("home"))
    empty.landing.mkdir()
    empty.run(datetime(2026, 1, 1))
    return empty


def test_every_unit_test_of_the_models_passes(pipeline):
    pipeline.dbt("test", "--select", "test_type:unit")


def test_every_model_and_column_is_described_and_nothing_that_is_not_there(pipeline):
    columns = pipeline.query("select table_schema, table_name, column_name from information_schema.columns")
    differences = {}
    for node in manifest(DBT_PROJECT).nodes.values():
        if node.resource_type not in ("model", "seed"):
            continue
        assert node.description, f"{node.name} has no description"
        there = {
            column["column_name"]
            for column in columns
            if (column["table_schema"], column["table_name"]) == (node.schema, node.alias)
        }
        described = {name for name, column in node.columns.items() if column.description}
        if node.name.removeprefix("base_") in RAW_TABLES:
            continue  # the columns of the contract, and three that the model's description explains
        if node.schema == "quarantine":
            there -= {column.name for column in RAW_TABLES[node.alias].columns}
        if there != described:
            differences[node.name] = sorted(there ^ described)
    assert differences == {}


def test_a_reason_code_that_nobody_explained_is_found(pipeline):
    check = ("test", "--select", "every_reason_code_is_explained")
    pipeline.dbt(*check)
    with closing(connect(pipeline.settings)) as connection:
        connection.execute("insert into staging.base_events (reason_code) values ('unheard_of')")
    with pytest.raises(AssertionError, match="Got 1 result"):
        pipeline.dbt(*check)
