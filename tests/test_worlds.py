"""Every mart equals the reference, row for row, over random worlds full of edge cases (worlds.py,
reference/).

`make test` runs a batch of 40 worlds, the long mode as many as you request (CONTRIBUTING.md). A
failure prints the first seed of the batch that differs.
"""

import json
import os
from collections import Counter
from dataclasses import replace
from decimal import Decimal

import pytest
from hypothesis import HealthCheck, Phase, given, settings, strategies
from pipeline import Pipeline
from reference import TABLES, compute
from reference.experiments import ARMS, FIGURES
from reference.values import read_time
from worlds import as_of, merged, world, write

WORLDS_IN_A_BATCH = 40
A_FEW_WORLDS = 5
BATCHES = int(os.environ.get("GOALPOST_BATCHES", "1"))
FORMATS = ("jsonl", "jsonl.gz", "csv", "csv.gz", "parquet")


@settings(
    max_examples=BATCHES,
    deadline=None,
    phases=[Phase.generate],  # a seed does not shrink; differences() names the world, smallest() cuts it down
    suppress_health_check=list(HealthCheck),
    derandomize="GOALPOST_BATCHES" not in os.environ,
    print_blob=True,
)
@given(first_seed=strategies.integers(0, 2**31))
def test_every_mart_equals_the_reference(first_seed, tmp_path_factory):
    home = tmp_path_factory.mktemp("world")
    worlds = merged(world(first_seed + number) for number in range(WORLDS_IN_A_BATCH))
    found = differences(worlds, first_seed, home)
    assert not found, f"seeds {first_seed} + 0..{WORLDS_IN_A_BATCH - 1} differ:\n" + "\n".join(found)


@pytest.fixture(scope="module")
def few(tmp_path_factory):
    """A few worlds without changes, which take seconds: the result of the reference for them, and the
    home."""
    pipeline, clock = Pipeline(tmp_path_factory.mktemp("few")), as_of(0)
    worlds = merged(world(seed, changes=False) for seed in range(A_FEW_WORLDS))
    landed = write(worlds, pipeline.landing, files_per_table=3, formats=FORMATS)
    pipeline.run(clock)
    return compute(landed, clock), pipeline


@pytest.mark.fast
def test_every_mart_of_a_few_worlds_equals_the_reference(few):
    assert unlike(*few) == []


@pytest.mark.fast
def test_a_table_or_a_column_that_only_one_of_the_two_has_is_a_difference(few):
    expected, pipeline = few
    marts = dict(expected.marts)
    dim_goals = [{"title": row["name"]} | row for row in marts["dim_goals"]]
    dim_sources = [{key: row[key] for key in row if key != "status"} for row in marts["dim_sources"]]
    assert unlike(replace(expected, marts=marts | {"fct_dreams": []}), pipeline) == [
        "the project lacks marts.fct_dreams"
    ]
    assert unlike(
        replace(expected, marts=marts | {"dim_goals": dim_goals, "dim_sources": dim_sources}), pipeline
    ) == [
        "marts.dim_goals: the columns [] are in no reference, ['title'] not in the project",
        "marts.dim_sources: the columns ['status'] are in no reference, [] not in the project",
    ]
    del marts["fct_touches"]
    quarantine = {table: rows for table, rows in expected.quarantine.items() if table != "events"}
    assert unlike(replace(expected, marts=marts, quarantine=quarantine), pipeline) == [
        "no reference has marts.fct_touches",
        "no reference has quarantine.events",
    ]


def differences(worlds, seed, home) -> list[str]:
    pipeline, clock = Pipeline(home), as_of(seed)
    landed = write(worlds, pipeline.landing, files_per_table=3, formats=FORMATS, seed=seed)
    pipeline.run(clock)
    return unlike(compute(landed, clock), pipeline)


# The columns that the reference does not have, and why. Any other column of a mart or a quarantine table is
# compared.
NOT_COMPARED = {
    "definition_hash": "a hash of what `definition` says, of the project's own making",
    "profile_key": "a hash by which marts join; whoever joins them sees it where it is wrong",
    "content_hash": "of the file, which the reference does not read",
    "problem": "a sentence for people; test_scenarios_*.py and dbt's unit tests read some",
    "raw_record": "a record that could not be read, as it stands in the file; test_landing_*.py",
}


def unlike(expected, pipeline) -> list[str]:
    """The tables, columns and rows of marts, quarantine and accounting that the reference does not have, and
    the other way round."""
    with pipeline.reading():
        return _unlike(expected, pipeline)


def _unlike(expected, pipeline) -> list[str]:
    tables = {f"marts.{mart}": rows for mart, rows in expected.marts.items()}
    tables |= {f"quarantine.{table}": rows for table, rows in expected.quarantine.items()}
    columns = columns_read_by_people(pipeline)
    found = [f"no reference has {table}" for table in sorted(columns.keys() - tables.keys())]
    found += [f"the project lacks {table}" for table in sorted(tables.keys() - columns.keys())]
    for table in sorted(tables.keys() & columns.keys()):
        found += compare(table, tables[table], pipeline.query(f"select * from {table}"), columns[table])
    accounting = {
        row.pop("table_name"): row for row in pipeline.query("select * from staging.row_accounting")
    }
    unreadable = pipeline.query("select workspace_id from intermediate.int_unreadable_workspaces")
    if {row["workspace_id"] for row in unreadable} != expected.unreadable_workspaces:
        found.append(f"unreadable workspaces: {unreadable} are not {expected.unreadable_workspaces}")
    if accounting != expected.accounting:
        found.append(f"row_accounting: {accounting} is not {expected.accounting}")
    return found


def columns_read_by_people(pipeline) -> dict[str, set[str]]:
    """By table, of the marts and of quarantine."""
    rows = pipeline.query("""
        select if(table_catalog = 'marts', 'marts', table_schema) || '.' || table_name as name,
            list(column_name) as columns
        from information_schema.columns
        where (table_catalog, table_schema) = ('marts', 'main') or table_schema = 'quarantine'
        group by name
    """)
    return {row["name"]: set(row["columns"]) for row in rows}


def compare(name, expected, actual, columns: set[str]) -> list[str]:
    """Symmetric, duplicates counted. Without a row the reference does not say which columns it has."""
    compared = sorted(columns - NOT_COMPARED.keys())
    named = expected[0].keys() - NOT_COMPARED.keys() if expected else compared
    if set(compared) != set(named):
        only = (sorted(set(compared) - set(named)), sorted(set(named) - set(compared)))
        return [f"{name}: the columns {only[0]} are in no reference, {only[1]} not in the project"]
    wanted, got = (
        Counter(tuple(comparable(column, row[column]) for column in compared) for row in rows)
        for rows in (expected, actual)
    )
    return [
        f"{name} {word} {dict(zip(compared, row, strict=True))}"
        for word, rows in (("lacks", wanted - got), ("should not have", got - wanted))
        for row in list(rows)[:3]
    ]


TIMES = {column.name for table in TABLES.values() for column in table.columns if column.type == "time"}


STATISTICS = {*FIGURES, *(f"{arm}_impact_{moment}" for arm in ARMS for moment in ("mean", "variance"))}


def comparable(column, value):
    if column in TIMES and isinstance(value, str):  # of a row in quarantine; Parquet keeps no text of a time
        return read_time(value) or value
    if column in ("definition", "filter", "trigger_filter", "properties") and value is not None:
        return as_json(value)
    if isinstance(value, list):
        return tuple(value)
    if isinstance(value, float) and column in STATISTICS:
        value = Decimal(f"{value:.10g}")  # two libraries differ in the last digits of a large number, too
    if isinstance(value, (float, Decimal)) and not isinstance(value, bool):
        return round(Decimal(value), 9)
    return value


def as_json(text: str) -> str:
    """Whatever the order of its keys; text that is no JSON stays as it is."""
    try:
        return json.dumps(json.loads(text), sort_keys=True)
    except (ValueError, RecursionError):
        return text
