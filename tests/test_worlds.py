"""Every mart equals the reference, row for row, over worlds made to be nasty (worlds.py, reference/).

`make test` runs a handful of batches; the long mode runs as many as asked for:
GOALPOST_BATCHES=20 make test   (a batch is 40 worlds; a failure prints the seed of each world that differs)
"""

import json
import os
from collections import Counter
from decimal import Decimal

from hypothesis import HealthCheck, Phase, given, settings, strategies
from pipeline import Pipeline
from reference import compute
from worlds import as_of, merged, world, write

WORLDS_IN_A_BATCH = 40
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


def differences(worlds, seed, home) -> list[str]:
    pipeline, clock = Pipeline(home), as_of(seed)
    landed = write(worlds, pipeline.landing, files_per_table=3, formats=FORMATS, seed=seed)
    pipeline.run(clock)
    return unlike(compute(landed, clock), pipeline)


def unlike(expected, pipeline) -> list[str]:
    """What marts, quarantine and accounting have that the reference has not, and the other way round."""
    found = []
    for mart, rows in expected.marts.items():
        found += compare(mart, rows, pipeline.mart(mart), list(rows[0]) if rows else [])
    for table, rows in expected.quarantine.items():
        columns = ["path", "row_number", "reason_code"]
        actual = pipeline.query(f"select * from quarantine.{table}")
        found += compare(f"quarantine.{table}", rows, actual, columns)
    accounting = {
        row.pop("table_name"): row for row in pipeline.query("select * from staging.row_accounting")
    }
    unreadable = pipeline.query("select workspace_id from intermediate.int_unreadable_workspaces")
    if {row["workspace_id"] for row in unreadable} != expected.unreadable_workspaces:
        found.append(f"unreadable workspaces: {unreadable} are not {expected.unreadable_workspaces}")
    if accounting != expected.accounting:
        found.append(f"row_accounting: {accounting} is not {expected.accounting}")
    return found


def compare(name, expected, actual, columns) -> list[str]:
    """Symmetric, duplicates counted."""
    columns = [column for column in columns if column != "definition_hash"]
    wanted, got = (
        Counter(tuple(comparable(column, row[column]) for column in columns) for row in rows)
        for rows in (expected, actual)
    )
    return [
        f"{name} {word} {dict(zip(columns, row, strict=True))}"
        for word, rows in (("lacks", wanted - got), ("should not have", got - wanted))
        for row in list(rows)[:3]
    ]


def comparable(column, value):
    if column in ("definition", "filter") and value is not None:
        return json.dumps(json.loads(value), sort_keys=True)
    if isinstance(value, list):
        return tuple(value)
    if isinstance(value, (float, Decimal)) and not isinstance(value, bool):
        return round(Decimal(value), 9)
    return value
