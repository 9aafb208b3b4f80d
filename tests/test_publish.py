"""What readers see: all new marts or all old ones, never a part."""

from contextlib import closing
from pathlib import Path

import duckdb
import pytest

from orchestration import publish as publishing
from orchestration.errors import GoalpostError
from orchestration.publish import marts_are_as_published, prepare, publish
from orchestration.settings import Settings
from orchestration.warehouse import connect


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    settings = Settings(home=tmp_path / "it's a home")
    change(
        settings,
        "create table marts.fct_a as select 1 as a; create table marts.fct_b as select 2 as b",
    )
    return settings


def change(settings: Settings, sql: str) -> None:
    with closing(connect(settings)) as connection:
        connection.execute(sql)


def read(settings: Settings, query: str) -> list[tuple]:
    with duckdb.connect(settings.published, read_only=True) as connection:
        return connection.execute(query).fetchall()


def files(settings: Settings) -> set[str]:
    return {
        str(path.relative_to(settings.home))
        for path in settings.home.rglob("*")
        if path.is_file() and "warehouse" not in path.name
    }


PUBLISHED = {"marts.duckdb", "published.json", "marts/fct_a/fct_a.parquet", "marts/fct_b/fct_b.parquet"}


def test_every_mart_is_published_as_duckdb_and_as_parquet(settings: Settings):
    published = publish(settings, "run")

    assert published.rows == {"fct_a": 1, "fct_b": 1}
    assert files(settings) == PUBLISHED
    assert read(settings, "from fct_a") == [(1,)]
    assert read(settings, "from marts.fct_b") == [(2,)]
    parquet = str(settings.published_parquet / "fct_b" / "fct_b.parquet")
    assert duckdb.read_parquet(parquet).fetchall() == [(2,)]


@pytest.fixture
def months(settings: Settings) -> Settings:
    """A fact with rows of two months."""
    change(
        settings,
        "create table marts.fct_sent (id int not null, seen_at timestamp, sent_at timestamp not null); "
        "insert into marts.fct_sent select i, null, timestamp '2025-01-31 12:00' + interval '1' day * i "
        "from range(2) as days (i)",
    )
    publish(settings, "run")
    return settings


def parquet(settings: Settings) -> dict[str, list[tuple]]:
    folder = settings.published_parquet / "fct_sent"
    return {
        path.name: duckdb.read_parquet(str(path)).order("id").project("id").fetchall()
        for path in sorted(folder.iterdir())
    }


def test_a_fact_is_published_as_a_parquet_file_for_each_month(months: Settings):
    assert parquet(months) == {"2025-01.parquet": [(0,)], "2025-02.parquet": [(1,)]}


@pytest.mark.parametrize(
    ("sql", "written"),
    [
        ("update marts.fct_sent set id = 5 where id = 1", {"2025-02.parquet"}),
        ("update marts.fct_sent set seen_at = sent_at where id = 0", {"2025-01.parquet"}),
        ("insert into marts.fct_sent from marts.fct_sent where id = 1", {"2025-02.parquet"}),
        ("insert into marts.fct_sent values (2, null, '2025-03-01')", {"2025-03.parquet"}),
        ("alter table marts.fct_sent add b int", {"2025-01.parquet", "2025-02.parquet"}),
        ("delete from marts.fct_sent where id = 1", set()),
        ("create or replace table marts.other as select 1 as a", set()),
    ],
)
def test_only_the_months_that_changed_are_written(months: Settings, sql: str, written: set[str]):
    folder = months.published_parquet / "fct_sent"
    before = {path.name: path.stat().st_ino for path in folder.iterdir()}
    change(months, sql)
    publish(months, "run 2")

    after = {path.name: path.stat().st_ino for path in folder.iterdir()}
    assert {name for name, file in after.items() if before.get(name) != file} == written
    rows = duckdb.read_parquet(str(folder / "*.parquet"), union_by_name=True).order("all").fetchall()
    assert rows == read(months, "from fct_sent order by all")


def test_a_month_that_lost_its_last_row_is_gone(months: Settings):
    change(months, "delete from marts.fct_sent where id = 1")
    publish(months, "run 2")
    assert parquet(months) == {"2025-01.parquet": [(0,)]}


def test_a_fact_without_rows_is_a_file_without_rows(months: Settings):
    change(months, "delete from marts.fct_sent")
    publish(months, "run 2")
    assert parquet(months) == {"fct_sent.parquet": []}


@pytest.mark.parametrize("spoil", [lambda path: path.unlink(), lambda path: path.write_bytes(b"no Parquet")])
def test_a_parquet_file_that_was_deleted_or_spoiled_is_written_again(months: Settings, spoil):
    spoil(months.published_parquet / "fct_sent" / "2025-01.parquet")
    publish(months, "run 2")
    assert parquet(months) == {"2025-01.parquet": [(0,)], "2025-02.parquet": [(1,)]}


@pytest.fixture
def recomputed(settings: Settings) -> Settings:
    """A fact of which the run recomputes profile 1 from 10 February on. Both profiles have a row in each of
    three months."""
    change(
        settings,
        "create schema intermediate; "
        "create table intermediate.int_affected_profiles as select 1 as profile_key, "
        "timestamp '2025-02-10' as affected_from; "
        "create table marts.fct_sent (id int not null, profile_key int not null, sent_at timestamp not null, "
        "converted_at timestamp); "
        "insert into marts.fct_sent select row_number() over (order by profile_key, month), "
        "profile_key, timestamp '2025-01-15' + interval '1' month * month, null "
        "from range(1, 3) as profiles (profile_key), range(3) as months (month)",
    )
    publish(settings, "run", prepare(settings, MOMENTS))
    return settings


MOMENTS = {"fct_sent": "coalesce(converted_at, sent_at)"}
LATE = (
    "update intermediate.int_affected_profiles set affected_from = '2025-01-10'; "
    "insert into marts.fct_sent values (7, 1, '2025-01-16', null)"
)


@pytest.mark.parametrize(
    ("sql", "written"),
    [
        ("select 1", set()),
        ("update marts.fct_sent set id = 9 where profile_key = 1 and sent_at > '2025-03-01'", {"2025-03"}),
        ("insert into marts.fct_sent values (7, 1, '2025-04-01', null)", {"2025-04"}),
        (LATE, {"2025-01"}),
        ("delete from marts.fct_sent where id = 1", {"2025-01"}),
        ("delete from marts.fct_sent where sent_at < '2025-02-01'", set()),
        ("update marts.fct_sent set sent_at = '2025-01-16' where id = 1", {"2025-01"}),
        ("update marts.fct_sent set converted_at = '2025-03-01' where id = 1", {"2025-01"}),
    ],
    ids=[
        "nothing",
        "row",
        "new month",
        "late row",
        "deleted row",
        "removed month",
        "moved row",
        "converted row",
    ],
)
def test_of_a_fact_that_is_recomputed_in_part_each_month_that_differs_is_written(
    recomputed: Settings, sql: str, written: set[str]
):
    change(recomputed, sql)
    prepared = prepare(recomputed, MOMENTS, rebuilt=())
    publish(recomputed, "run 2", prepared)

    assert {place.stem for place in prepared.written if place.parent.name == "fct_sent"} == written
    rows = duckdb.read_parquet(str(recomputed.published_parquet / "fct_sent" / "*.parquet")).order("all")
    assert rows.fetchall() == read(recomputed, "from fct_sent order by all")


NOBODYS = "update marts.fct_sent set id = 9 where id = 4"  # of a profile that is not affected


def written_of_nobodys(settings: Settings, rebuilt: set[str] | None) -> set[str]:
    change(settings, NOBODYS)
    return {place.stem for place in prepare(settings, MOMENTS, rebuilt=rebuilt).written}


def test_only_months_that_the_run_may_have_changed_are_hashed(recomputed: Settings):
    assert written_of_nobodys(recomputed, set()) == set()


@pytest.mark.parametrize("rebuilt", [None, {"fct_sent"}])
def test_of_a_fact_that_was_rebuilt_each_month_is_hashed(recomputed: Settings, rebuilt: set[str] | None):
    assert written_of_nobodys(recomputed, rebuilt) == {"2025-01"}


def test_marts_that_somebody_changed_are_not_as_published(recomputed: Settings):
    assert marts_are_as_published(recomputed)
    change(recomputed, NOBODYS)
    assert not marts_are_as_published(recomputed)


def test_a_reader_of_the_old_marts_keeps_its_answers(settings: Settings):
    publish(settings, "run")
    with duckdb.connect(settings.published, read_only=True) as reader:
        change(settings, "update marts.fct_a set a = 10")
        publish(settings, "run 2")

        assert reader.execute("from fct_a").fetchall() == [(1,)]
    assert read(settings, "from fct_a") == [(10,)]


def test_after_a_critical_failure_nothing_is_published_and_the_old_stays(settings: Settings):
    publish(settings, "run")
    change(
        settings,
        "update marts.fct_a set a = 10; insert into control.check_results values "
        "('run 2', 'marts', 'marts.fct_a', 'a_is_small', 'critical', false, '{}', now()::timestamp), "
        "('run 3', 'marts', 'marts.fct_a', 'a_is_small', 'warning', false, '{}', now()::timestamp)",
    )

    with pytest.raises(GoalpostError, match=r"Nothing was published.*marts\.fct_a\.a_is_small"):
        publish(settings, "run 2")
    assert read(settings, "from fct_a") == [(1,)]

    publish(settings, "run 3")
    assert read(settings, "from fct_a") == [(10,)]


@pytest.mark.parametrize(
    "stamp", ["1, 'code', 'marts.main.fct_a', true", "2, 'code', 'marts.main.fct_a', false"]
)
def test_what_the_run_did_not_build_itself_is_not_published(stamp: str, settings: Settings):
    """Of an increment before, or by hand."""
    publish(settings, "run")
    change(settings, "insert into control.increment values (2, 0, 0, false, 'run')")
    change(settings, f"insert into control.built_models values ('fct_a', {stamp})")
    change(settings, "update marts.fct_a set a = 7")
    with pytest.raises(GoalpostError, match=r"Not built by this run: fct_a\."):
        publish(settings, "run")
    assert read(settings, "from fct_a") == [(1,)]
    assert files(settings) == PUBLISHED


def test_a_mart_that_is_gone_is_gone_from_what_is_published(settings: Settings):
    publish(settings, "run")
    note = settings.published_parquet / "notes.txt"
    note.write_text("not ours")
    change(settings, "drop table marts.fct_b")

    assert publish(settings, "run 2").rows == {"fct_a": 1}
    assert files(settings) == PUBLISHED - {"marts/fct_b/fct_b.parquet"} | {"marts/notes.txt"}
    assert read(settings, "show tables") == [("fct_a",)]


def test_what_a_killed_run_left_half_written_is_in_nobodys_way(settings: Settings):
    settings.published_parquet.joinpath("fct_a").mkdir(parents=True)
    (settings.home / "marts.duckdb.unfinished").write_bytes(b"half a file")
    (settings.home / "marts.duckdb.unfinished.wal").write_bytes(b"half a file")
    (settings.published_parquet / "fct_a" / "fct_a.parquet.unfinished").write_bytes(b"half a file")

    publish(settings, "run")

    assert files(settings) == PUBLISHED


def test_a_failure_while_writing_leaves_the_old_marts(settings: Settings, monkeypatch: pytest.MonkeyPatch):
    publish(settings, "run")
    change(settings, "update marts.fct_a set a = 10")

    def fail(*_):
        raise OSError("no space left on device")

    monkeypatch.setattr(publishing, "_write_parquet", fail)
    with pytest.raises(OSError, match="no space"):
        publish(settings, "run 2")
    assert read(settings, "from fct_a") == [(1,)]


def test_names_and_values_are_copied_as_they_are(settings: Settings):
    change(
        settings,
        """
        create table marts."odd ""name" as
        select 'it''s' as "a b", null::timestamp as t, 0.1::decimal(18, 12) as d
        """,
    )
    publish(settings, "run")
    assert read(settings, 'select typeof(t), typeof(d), "a b" from "odd ""name"') == [
        ("TIMESTAMP", "DECIMAL(18,12)", "it's")
    ]
