"""What a publication says it changed: exactly what readers see differently. (test_increments.py compares it
with `except all` after each batch of random worlds.)"""

from contextlib import closing
from datetime import date
from pathlib import Path

import duckdb
import pytest

from orchestration.mart_changes import Rows
from orchestration.publish import prepare, publish
from orchestration.settings import Settings
from orchestration.warehouse import connect

ROWS = Rows({"fct_sent": ["id"], "rpt_days": ["period", "period_start"]}, {}, {})


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    settings = Settings(home=tmp_path)
    change(
        settings,
        """
        create table marts.fct_sent (id int not null, sent_at timestamp not null, value int);
        insert into marts.fct_sent select i, timestamp '2025-01-30 12:00' + interval '1' day * i, 0
        from range(4) as days (i);
        create table marts.rpt_days as select * from (values
            ('month', date '2025-01-01', 2), ('day', date '2025-01-30', 1), ('day', date '2025-01-31', 1)
        ) as days (period, period_start, figure);
        create table marts.dim_names as select 'a' as name
        """,
    )
    return settings


def change(settings: Settings, sql: str) -> None:
    with closing(connect(settings)) as connection:
        connection.execute(sql)


def published(settings: Settings, run_id: str, outcome: str = "succeeded") -> None:
    """A run that publishes, and records its outcome unless its process is killed before."""
    publish(settings, run_id, prepare(settings, rows=ROWS))
    change(
        settings,
        "insert into control.runs (run_id, started_at, finished_at, as_of, outcome, is_full_refresh) "
        f"values ('{run_id}', now(), now(), now(), '{outcome}', false)",
    )


def told(settings: Settings, run_id: str) -> dict[str, tuple]:
    with closing(connect(settings, read_only=True)) as connection:
        rows = connection.execute(
            "select mart, rows_added, rows_removed, rows_changed, first_day from control.mart_changes "
            "where run_id = ?",
            [run_id],
        ).fetchall()
    return {mart: tuple(figures) for mart, *figures in rows}


NOTHING = {"fct_sent": (0, 0, 0, None), "rpt_days": (0, 0, 0, None), "dim_names": (0, 0, 0, None)}


def test_the_first_publication_adds_every_row(settings: Settings):
    published(settings, "1")
    assert told(settings, "1") == {
        "fct_sent": (4, 0, 0, date(2025, 1, 30)),
        "rpt_days": (3, 0, 0, date(2025, 1, 30)),
        "dim_names": (1, 0, 0, None),
    }


@pytest.mark.parametrize(
    ("sql", "expected"),
    [
        ("select 1", {}),
        ("create or replace table marts.dim_names as select 'a' as name", {}),
        (
            "insert into marts.fct_sent values (9, '2024-12-31 23:59', 0)",
            {"fct_sent": (1, 0, 0, date(2024, 12, 31))},
        ),
        ("delete from marts.fct_sent where id >= 2", {"fct_sent": (0, 2, 0, date(2025, 2, 1))}),
        ("delete from marts.fct_sent", {"fct_sent": (0, 4, 0, date(2025, 1, 30))}),
        (
            "update marts.fct_sent set sent_at = '2025-03-01' where id = 1",
            {"fct_sent": (0, 0, 1, date(2025, 1, 31))},
        ),
        (
            "update marts.fct_sent set value = null where id in (1, 3); "
            "delete from marts.fct_sent where id = 2; "
            "insert into marts.fct_sent values (7, '2025-02-03', 7), (8, '2025-02-04', 8)",
            {"fct_sent": (2, 1, 2, date(2025, 1, 31))},
        ),
        (
            "insert into marts.fct_sent from marts.fct_sent where id = 3",
            {"fct_sent": (1, 0, 0, date(2025, 2, 2))},
        ),
        (
            "update marts.rpt_days set figure = 9 where period = 'month' or period_start = '2025-01-31'",
            {"rpt_days": (0, 0, 2, date(2025, 1, 31))},
        ),
        ("update marts.dim_names set name = 'b'", {"dim_names": (1, 1, 0, None)}),
        ("drop table marts.dim_names", {"dim_names": (0, 1, 0, None)}),
        ("create table marts.dim_new as select 1 as a", {"dim_new": (1, 0, 0, None)}),
        ("alter table marts.fct_sent add column note text", {}),
        ("alter table marts.fct_sent drop column value", {}),
    ],
)
def test_each_row_that_differs_is_counted_once(settings: Settings, sql: str, expected: dict):
    published(settings, "1")
    change(settings, sql)
    published(settings, "2")
    assert told(settings, "2") == NOTHING | expected


def test_a_mart_whose_key_has_a_new_column_has_only_new_rows(settings: Settings):
    published(settings, "1")
    change(
        settings,
        "create or replace table marts.rpt_days as "
        "select 'day' as period, date '2025-01-02' as first_day, 1 as figure",
    )
    rows = Rows({"rpt_days": ["period", "first_day"]}, {}, {})
    publish(settings, "2", prepare(settings, rows=rows))
    assert told(settings, "2")["rpt_days"] == (1, 3, 0, date(2025, 1, 2))


def test_after_a_run_that_published_nothing_its_changes_are_told_too(settings: Settings):
    published(settings, "1")
    change(settings, "update marts.fct_sent set value = 1 where id = 0")  # and then it failed
    change(settings, "update marts.fct_sent set value = 1 where id = 3")
    published(settings, "3")
    assert told(settings, "3")["fct_sent"] == (0, 0, 2, date(2025, 1, 30))


def test_a_run_that_was_killed_after_readers_saw_its_marts_keeps_what_it_changed(settings: Settings):
    published(settings, "1")
    change(settings, "delete from marts.fct_sent where id = 3")
    record = settings.publication.read_bytes()
    published(settings, "2", "interrupted")
    settings.publication.write_bytes(record)  # it was killed before it wrote this
    published(settings, "3")
    assert told(settings, "2")["fct_sent"] == (0, 1, 0, date(2025, 2, 2))
    assert told(settings, "3") == NOTHING


def test_a_run_that_was_killed_before_readers_saw_its_marts_changed_nothing(settings: Settings):
    published(settings, "1")
    change(settings, "delete from marts.fct_sent where id = 3")
    old = settings.published.read_bytes()
    published(settings, "2", "interrupted")
    settings.published.write_bytes(old)
    published(settings, "3")
    assert told(settings, "2") == {}
    assert told(settings, "3")["fct_sent"] == (0, 1, 0, date(2025, 2, 2))


def test_nothing_is_told_if_the_publication_before_is_gone(settings: Settings):
    published(settings, "1")
    settings.published.unlink()
    published(settings, "2")
    assert told(settings, "2") == {}


def test_published_again_without_a_run_it_stays_what_was_told(settings: Settings):
    published(settings, "1")
    before = told(settings, "1")
    settings.published.unlink()
    publish(settings, "1")
    assert told(settings, "1") == before
    with duckdb.connect(settings.published, read_only=True) as connection:
        assert connection.execute("select count(*) from ops.mart_changes").fetchall() == [(3,)]
