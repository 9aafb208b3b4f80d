"""A part of the marts is computed again: whatever somebody changed in it by hand, the marts are then as they
were."""

import random
from contextlib import closing
from datetime import datetime
from pathlib import Path

import pytest
from increments import contents, cut, land_in_batches
from pipeline import Pipeline, manifest
from worlds import merged, world

from orchestration.errors import GoalpostError
from orchestration.repair import redo
from orchestration.selection import recompute_moments
from orchestration.settings import DBT_PROJECT
from orchestration.warehouse import connect

AS_OF = datetime(2024, 7, 1)


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Pipeline:
    batches = cut(merged(world(seed) for seed in range(40)), 2, seed=5)
    *_, last = land_in_batches(batches, 5, tmp_path_factory.mktemp("redo") / "home", (None,))
    return last.pipeline


@pytest.fixture
def pipeline(built: Pipeline, tmp_path: Path) -> Pipeline:
    copy = Pipeline(tmp_path / "home")
    copy.landing.mkdir(parents=True)
    built.copy_databases(copy)
    return copy


COLUMNS = "from duckdb_columns() where database_name = 'marts' and schema_name = 'main'"


def damage(pipeline: Pipeline, where: str, has: str) -> int:
    """Delete, double and change rows of every mart that has this column, where `where` ({}: the moment of the
    row) holds. Returns in how many marts rows differ."""
    dice, differ = random.Random(1), 0
    moments = recompute_moments(manifest(DBT_PROJECT).to_dict()) | {"fct_enrollments": "enrolled_at"}
    with closing(connect(pipeline.settings)) as connection:
        marts = connection.execute(f"select table_name {COLUMNS} and column_name = '{has}'").fetchall()
        for (mart,) in sorted(marts):
            condition = f"{where.format(moments.get(mart, 'null'))} and random() < 0.3"
            before = connection.execute(f"from marts.{mart} order by all").fetchall()
            connection.execute(f"delete from marts.{mart} where {condition}")
            connection.execute(f"insert into marts.{mart} from marts.{mart} where {condition}")
            moved = connection.execute(
                f"select column_name {COLUMNS} and table_name = '{mart}' and data_type = 'TIMESTAMP'"
            ).fetchall()
            if moved and "{}" not in where:
                (column,) = dice.choice(sorted(moved))
                connection.execute(f"update marts.{mart} set {column} = '1999-09-09' where {condition}")
            differ += connection.execute(f"from marts.{mart} order by all").fetchall() != before
    return differ


def biggest_goal(pipeline: Pipeline) -> str:
    return pipeline.query(
        "select goal_id, count(*) from marts.fct_enrollments group by goal_id order by all desc limit 1"
    )[0]["goal_id"]


def clock(pipeline: Pipeline) -> datetime:
    return pipeline.query("from control.clock")[0]["as_of"]


def test_every_row_of_a_goal_is_computed_again_once(pipeline: Pipeline, built: Pipeline):
    goal = biggest_goal(pipeline)
    assert damage(pipeline, f"goal_id = '{goal}'", "goal_id") > 8
    assert redo(pipeline.settings, goal=goal) > 0
    pipeline.run(clock(pipeline))
    assert contents(pipeline) == contents(built)
    assert pipeline.query("from control.redo") == []


@pytest.mark.long
def test_every_row_since_a_day_is_computed_again(pipeline: Pipeline, built: Pipeline):
    [middle] = pipeline.query("select median(achieved_at) as moment from marts.fct_achievements")
    since = middle["moment"].replace(hour=0, minute=0, second=0, microsecond=0)
    assert damage(pipeline, f"{{}} >= '{since}'", "profile_key") > 5
    redo(pipeline.settings, since=since)
    pipeline.run(clock(pipeline))
    assert contents(pipeline) == contents(built)


def test_a_row_of_nobody_is_deleted(pipeline: Pipeline, built: Pipeline):
    with closing(connect(pipeline.settings)) as connection:
        connection.execute(
            "update marts.fct_conversions set profile_key = 4711 where hash(enrollment_id) % 2 = 0"
        )
    redo(pipeline.settings, since=datetime(1, 1, 1))
    pipeline.run(clock(pipeline))
    assert contents(pipeline) == contents(built)


def test_a_goal_that_does_not_exist_is_refused(pipeline: Pipeline):
    with pytest.raises(GoalpostError, match="There is no goal 'none'"):
        redo(pipeline.settings, goal="none")
