"""Erasure: nothing names the person any more, and the figures stay what they were."""

import random
from collections import Counter
from contextlib import closing
from pathlib import Path

import pytest
from pipeline import Pipeline
from scenarios import AS_OF, all_stories
from worlds import merged, world, write

from orchestration.contract import RAW_TABLES
from orchestration.errors import GoalpostError
from orchestration.forget import PREFIX, Person, carry_on, forget, keep_properties, read_people
from orchestration.warehouse import connect

# Ids, and keys that are made of them.
IDS = {"profile_id", "delivery_id", "journey_id", "natural_key", "achievement_id", "enrollment_id"}
A_FEW_WORLDS = 40


def figures(pipeline: Pipeline) -> dict[str, Counter]:
    """The rows of every mart, without ids, and the rows of every raw table by what became of them."""
    with closing(connect(pipeline.settings, read_only=True)) as connection:
        found = {}
        marts = connection.execute(
            "select table_name, list(column_name order by column_index) from duckdb_columns() "
            "where database_name = 'marts' and schema_name = 'main' group by table_name"
        ).fetchall()
        for mart, columns in marts:
            kept = [name for name in columns if name not in IDS and not name.endswith("_key")]
            if mart == "dim_profiles":
                kept.remove("properties")
            if mart == "fct_achievements":  # those of one moment may swap; the first one stays the first
                kept.remove("achievement_number")
            listed = ", ".join(f'"{name}"' for name in kept)
            found[mart] = Counter(map(str, connection.execute(f"select {listed} from marts.{mart}").fetchall()))
        bases = connection.execute(
            "select table_name from duckdb_tables() where table_name like 'base\\_%' escape '\\' "
            "and table_name <> 'base_definitions'"
        ).fetchall()
        for (base,) in bases:
            found[base] = Counter(
                connection.execute(
                    f"select file_id, row_number, reason_code, is_standing from staging.{base}"
                ).fetchall()
            )
        return found


def differences(before: dict[str, Counter], after: dict[str, Counter]) -> dict[str, tuple]:
    return {
        name: (list((before[name] - after[name]).items())[:3], list((after[name] - before[name]).items())[:3])
        for name in before
        if before[name] != after[name]
    }


def everybody(pipeline: Pipeline) -> list[Person]:
    tables = [table.name for table in RAW_TABLES.values() if "profile_id" in (c.name for c in table.columns)]
    people = " union ".join(f"select workspace_id, profile_id from raw.{name}" for name in tables)
    found = pipeline.query(
        f"from ({people}) where workspace_id is not null and profile_id is not null order by all"
    )
    return [Person(**row) for row in found]


def test_figures_stay_what_they_were(tmp_path: Path):
    """Of all scenarios, and of random worlds full of ties, of corrections that move a row to another person,
    and of faulty rows: first half of the people are erased, then everybody."""
    pipeline = Pipeline(tmp_path / "home")
    worlds = merged([all_stories(), *(world(seed) for seed in range(A_FEW_WORLDS))])
    write(worlds, pipeline.landing, files_per_table=3)
    pipeline.run(AS_OF)
    before, people = figures(pipeline), everybody(pipeline)
    # There, the property that a goal reads is the person's id: it goes, and the figures with it.
    people = [person for person in people if person.profile_id != "unpaid"]

    for those in (random.Random(1).sample(people, len(people) // 2), people):
        erasure = forget(pipeline.settings, those)
        assert erasure and erasure.reordered == 0
        assert carry_on(pipeline.settings)
        pipeline.run(AS_OF)
        found = differences(before, figures(pipeline))
        assert found == {}, found
    left = {person.profile_id for person in everybody(pipeline) if not person.profile_id.startswith(PREFIX)}
    assert left == {"unpaid"}
