"""PostgreSQL as a published store: the same marts as the files, whole, whatever happens."""

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import duckdb
import psycopg
import pytest
from homes import first_home, goalpost
from postgres_server import PASSWORD, Server, server
from pydantic import SecretStr, ValidationError

from orchestration.publish import Published, catch_up, publish
from orchestration.settings import Settings
from orchestration.warehouse import connect

EVERY_TYPE = """
create table marts.fct_kinds as select
    i::bigint as a_bigint, i % 2 = 0 as a_boolean, date '2025-01-01' + i::int as a_date, i / 3 as a_double,
    i::integer as an_integer, (i / 7)::decimal(18, 6) as a_decimal, i::hugeint as a_hugeint,
    timestamp '2025-01-30 12:00:00.000001' + interval '1' day * i as a_timestamp, 'it''s "' || i as a_text,
    '' as an_empty_text, if(i = 1, null, 'x') as a_null,
    ['a', null, 'b,"{}'] as a_list, []::varchar[] as no_list,
    {'a': i, 'b': [1]} as a_struct, '{"a": [1, null]}'::json as a_json
from range(3) as days (i)
"""
FACT = """
create table marts.fct_sent (id bigint not null, sent_at timestamp not null, name varchar);
insert into marts.fct_sent
select i, timestamp '2025-01-01' + interval '1' day * i, 'delivery ' || i from range(90) as days (i)
"""


@pytest.fixture(scope="module")
def started() -> Iterator[Server]:
    with server() as started:
        yield started


@pytest.fixture
def there(started: Server) -> Server:
    """An empty database."""
    with started.connect() as connection:
        connection.execute("drop schema if exists marts, goalpost, other, report cascade")
    return started


@pytest.fixture
def settings(tmp_path: Path, there: Server) -> Settings:
    settings = Settings(home=tmp_path / "it's a home", postgres_url=SecretStr(there.url))
    change(settings, FACT)
    change(settings, "create table marts.rpt_days as select count(*)::bigint as days from marts.fct_sent")
    change(settings, "insert into control.clock values ('2025-04-01')")
    return settings


def change(settings: Settings, sql: str) -> None:
    with closing(connect(settings)) as connection:
        connection.execute(sql)


def read(there: Server, query: str) -> list[tuple]:
    with there.connect() as connection:
        return connection.execute(query.encode()).fetchall()


def written(published: Published) -> tuple[int, int]:
    assert published.warning is None and published.written
    return published.written.marts, published.written.rows


def assert_equal_to_the_file(settings: Settings, there: Server) -> None:
    with duckdb.connect(settings.published, read_only=True) as file, there.connect() as connection:
        marts = [
            name
            for (name,) in file.execute(
                "select table_name from duckdb_tables() where schema_name = 'main'"
            ).fetchall()
        ]
        found = connection.execute("select tablename from pg_tables where schemaname = 'marts'").fetchall()
        assert sorted(name for (name,) in found) == sorted(marts)
        for mart in marts:
            columns = [column for column, *_ in file.execute(f'describe "{mart}"').fetchall()]
            names = ", ".join(f'"{column}"' for column in columns)
            here = file.execute(f'select {names} from "{mart}"').fetchall()
            assert sorted(map(repr, here)) == sorted(
                map(repr, connection.execute(f'select {names} from marts."{mart}"'.encode()).fetchall())
            ), mart


# ---- what is written ---------------------------------------------------------------------------------------


def test_every_mart_of_a_real_run_is_there_value_by_value(tmp_path: Path, there: Server):
    settings = first_home(tmp_path)
    url = {"GOALPOST_POSTGRES_URL": there.url}
    os.environ |= url
    try:
        first = goalpost(settings, "run")  # nothing is new, but the setting is
        assert "PostgreSQL was behind: " in first.stdout and "Nothing to do" in first.stdout
        assert_equal_to_the_file(settings, there)
        assert "has the same marts" in goalpost(settings, "status").stdout
        assert "PostgreSQL" not in goalpost(settings, "run").stdout

        there.stop()
        alone = goalpost(settings, "run", "--as-of", "2026-02-02")
        assert alone.returncode == 0 and "Published: " in alone.stdout
        assert "PostgreSQL (database postgres on 127.0.0.1, schema marts) is behind" in alone.stdout
        assert "Connection refused" in alone.stdout
        assert "is behind" in goalpost(settings, "status").stdout

        there.start()
        assert "PostgreSQL is behind: " in goalpost(settings, "status").stdout
        assert "PostgreSQL was behind: " in goalpost(settings, "run").stdout
        assert_equal_to_the_file(settings, there)
        assert read(there, "select as_of::text from goalpost.publication") == [("2026-02-02 00:00:00",)]
        for command in (first, alone):
            assert PASSWORD not in command.stdout + command.stderr
    finally:
        del os.environ["GOALPOST_POSTGRES_URL"]


def test_each_type_of_column_keeps_its_values(settings: Settings, there: Server):
    change(settings, EVERY_TYPE)
    assert written(publish(settings, "run")) == (3, 94)
    assert_equal_to_the_file_but_for(settings, there, ["a_struct", "a_json", "a_hugeint"])
    rows = read(
        there,
        "select a_struct, a_json, a_hugeint, a_json -> 'a' ->> 0 from marts.fct_kinds order by a_bigint",
    )
    assert rows[2] == ({"a": 2, "b": [1]}, {"a": [1, None]}, 2, "1")
    assert dict(
        read(
            there,
            "select attname, format_type(atttypid, atttypmod) from pg_attribute "
            "where attrelid = 'marts.fct_kinds'::regclass and attnum > 0",
        )
    ) | {} == {
        "a_bigint": "bigint",
        "a_boolean": "boolean",
        "a_date": "date",
        "a_double": "double precision",
        "an_integer": "integer",
        "a_decimal": "numeric(18,6)",
        "a_hugeint": "numeric(38,0)",
        "a_timestamp": "timestamp without time zone",
        "a_text": "text",
        "an_empty_text": "text",
        "a_null": "text",
        "a_list": "text[]",
        "no_list": "text[]",
        "a_struct": "jsonb",
        "a_json": "jsonb",
    }


def assert_equal_to_the_file_but_for(settings: Settings, there: Server, columns: list[str]) -> None:
    with duckdb.connect(settings.published, read_only=True) as file:
        names = [name for name, *_ in file.execute("describe fct_kinds").fetchall() if name not in columns]
        here = file.execute(f"select {', '.join(names)} from fct_kinds order by a_bigint").fetchall()
    assert read(there, f"select {', '.join(names)} from marts.fct_kinds order by a_bigint") == here


def test_only_the_parts_that_changed_are_written(settings: Settings, there: Server):
    assert written(publish(settings, "run")) == (2, 91)
    versions = dict(read(there, "select id, xmin::text from marts.fct_sent"))

    change(settings, "update marts.fct_sent set name = 'late' where id = 40")
    change(settings, "delete from marts.fct_sent where sent_at >= timestamp '2025-03-01'")
    assert written(publish(settings, "run 2")) == (1, 28)

    now = dict(read(there, "select id, xmin::text from marts.fct_sent"))
    assert {id for id, version in now.items() if version == versions[id]} == set(range(31))
    assert set(now) == set(range(59))
    assert_equal_to_the_file(settings, there)
    assert catch_up(settings) == (None, None)


def test_a_fact_that_becomes_empty_and_full_again(settings: Settings, there: Server):
    publish(settings, "run")
    change(settings, "create table kept as from marts.fct_sent; delete from marts.fct_sent")
    assert written(publish(settings, "run 2")) == (1, 0)
    assert_equal_to_the_file(settings, there)
    change(settings, "insert into marts.fct_sent from kept")
    assert written(publish(settings, "run 3")) == (1, 90)
    assert_equal_to_the_file(settings, there)


def test_the_schema_is_a_setting_and_two_schemas_do_not_disturb_each_other(settings: Settings, there: Server):
    other = settings.model_copy(update={"postgres_schema": "other"})
    publish(settings, "run")
    assert written(publish(other, "run 2"))[0] == 2
    assert read(there, "select schema_name, run_id from goalpost.publication order by 1") == [
        ("marts", "run"),
        ("other", "run 2"),
    ]
    assert read(there, "select count(*) from other.fct_sent") == [(90,)]


def test_comments_are_kept_and_changed(settings: Settings, there: Server):
    publish(settings, "run")
    change(settings, "comment on table marts.fct_sent is 'What was sent: it''s all here'")
    change(settings, "comment on column marts.fct_sent.sent_at is 'When (UTC)'")
    assert written(publish(settings, "run 2"))[0] == 1
    comments = (
        "select obj_description('marts.fct_sent'::regclass), col_description('marts.fct_sent'::regclass, 2)"
    )
    assert read(there, comments) == [("What was sent: it's all here", "When (UTC)")]
    change(settings, "comment on column marts.fct_sent.sent_at is null")
    publish(settings, "run 3")
    assert read(there, comments) == [("What was sent: it's all here", None)]


# ---- what stays --------------------------------------------------------------------------------------------


@pytest.fixture
def granted(settings: Settings, there: Server) -> Server:
    """With a reader who may read the marts, a view and an index of somebody's own."""
    publish(settings, "run")
    with there.connect() as connection:
        if not connection.execute("select 1 from pg_roles where rolname = 'bi'").fetchall():
            connection.execute("create role bi login password 'bi'")
        connection.execute("grant usage on schema marts to bi")
        connection.execute("grant select on all tables in schema marts to bi")
        connection.execute("create schema report")
        connection.execute("create view report.names as select id, name from marts.fct_sent")
        connection.execute("create index by_name on marts.fct_sent (name)")
    return there


def as_reader(there: Server, query: str) -> list[tuple]:
    with psycopg.connect(there.url, user="bi", password="bi") as connection:
        return connection.execute(query.encode()).fetchall()


def test_grants_views_and_indexes_survive_also_a_new_and_a_removed_column(
    settings: Settings, granted: Server
):
    for changed in (
        "update marts.fct_sent set name = 'new'",
        "alter table marts.fct_sent add column opened_at timestamp",
        "alter table marts.fct_sent drop column opened_at",
        "alter table marts.fct_sent alter column id type integer; "
        "alter table marts.fct_sent alter column name set not null",
    ):
        if "alter column id" in changed:  # the view needs it
            with granted.connect() as connection:
                connection.execute(
                    "create or replace view report.names as "
                    "select null::bigint as id, name from marts.fct_sent"
                )
        change(settings, changed)
        assert written(publish(settings, changed)) == (1, 90)
        assert_equal_to_the_file(settings, granted)
        assert as_reader(granted, "select count(*) from marts.fct_sent") == [(90,)]
        assert read(granted, "select count(distinct name), count(*) from report.names") == [(1, 90)]
        assert read(granted, "select 1 from pg_indexes where indexname = 'by_name'") == [(1,)]


def test_a_view_on_a_removed_column_stops_the_writing_and_is_named(settings: Settings, granted: Server):
    change(settings, "alter table marts.fct_sent drop column name; drop table marts.rpt_days")
    warning = publish(settings, "run 2").warning
    assert warning and "view report.names depends on column name of table marts.fct_sent" in warning
    assert "drop what depends on the changed column" in warning
    assert read(granted, "select count(name) from marts.fct_sent") == [(90,)]
    with granted.connect() as connection:
        connection.execute("drop view report.names")
    assert catch_up(settings)[1] is None
    assert_equal_to_the_file(settings, granted)


def test_a_table_of_somebody_else_stays(settings: Settings, granted: Server):
    with granted.connect() as connection:
        connection.execute("create table marts.theirs as select 1 as a")
    change(settings, "drop table marts.rpt_days")
    assert written(publish(settings, "run 2")) == (1, 0)
    tables = read(granted, "select tablename from pg_tables where schemaname = 'marts' order by 1")
    assert tables == [("fct_sent",), ("theirs",)]


# ---- what a reader sees ------------------------------------------------------------------------------------


def test_a_reader_never_sees_a_mixture_and_is_never_stopped(settings: Settings, granted: Server):
    change(settings, "create table marts.rpt_run (run bigint)")
    change(settings, "insert into marts.rpt_run values (0); update marts.fct_sent set name = '0'")
    publish(settings, "0")
    one = (
        "select (select run::text from marts.rpt_run), min(name), max(name), count(*), "
        "(select run_id from goalpost.publication) from marts.fct_sent"
    )
    seen, ended, faults = [], threading.Event(), []

    def poll() -> None:
        try:
            with granted.connect(options="-c statement_timeout=5s") as connection:
                while not ended.is_set():
                    seen.append(connection.execute(one).fetchall()[0])
                    connection.execute("begin isolation level repeatable read")
                    run = connection.execute("select run::text from marts.rpt_run").fetchall()[0][0]
                    time.sleep(0.02)
                    names = connection.execute(
                        "select distinct name, count(*) from marts.fct_sent group by 1"
                    )
                    assert names.fetchall() == [(run, 90)]
                    assert connection.execute("select run_id from goalpost.publication").fetchall() == [
                        (run,)
                    ]
                    connection.execute("commit")
        except Exception as error:
            faults.append(error)

    readers = [threading.Thread(target=poll) for _ in range(2)]
    for reader in readers:
        reader.start()
    for run in range(1, 9):
        change(settings, f"update marts.rpt_run set run = {run}; update marts.fct_sent set name = '{run}'")
        if run == 4:
            change(settings, "alter table marts.rpt_run add column more varchar")
        assert publish(settings, str(run)).warning is None
    ended.set()
    for reader in readers:
        reader.join()
    assert faults == []
    assert {(run, low, high, rows, publication) for run, low, high, rows, publication in seen} <= {
        (str(run),) * 3 + (90, str(run)) for run in range(9)
    }
    assert len({run for run, *_ in seen}) > 3


# ---- what goes wrong ---------------------------------------------------------------------------------------


def test_what_is_lost_there_is_written_again(settings: Settings, granted: Server):
    for lost in (
        "truncate marts.fct_sent",
        "delete from goalpost.parts",
        "drop table marts.fct_sent cascade",
        "drop schema marts cascade",
        "drop schema marts, goalpost cascade",
    ):
        with granted.connect() as connection:
            connection.execute(lost.encode())
        caught_up, warning = catch_up(settings)
        assert caught_up and warning is None, lost
        assert_equal_to_the_file(settings, granted)


@pytest.mark.parametrize(
    ("part", "wrong", "why", "remedy"),
    [
        (":it%27s%20a%20secret%40home@", ":wrong%20secret@", "password authentication failed", "correct"),
        (":it%27s%20a%20secret%40home@", "@", "no password supplied", "correct"),
        ("/postgres", "/nowhere", 'database "nowhere" does not exist', "correct"),
        ("127.0.0.1", "nowhere.invalid", "could not translate host name", "check that it runs"),
        ("/postgres", "/postgres?sslmode=require", "SSL", "check that it runs"),
        (
            "/postgres",
            "/postgres?options=-c%20default_transaction_read_only%3Don",
            "read-only",
            "name the primary",
        ),
        ("goalpost:it%27s%20a%20secret%40home@", "bi:bi@", "permission denied", "give its user the rights"),
    ],
)
def test_without_postgresql_the_files_are_published_and_the_warning_says_why(
    part: str, wrong: str, why: str, remedy: str, settings: Settings, granted: Server
):
    with granted.connect() as connection:
        connection.execute("drop schema goalpost cascade")
    settings = settings.model_copy(update={"postgres_url": SecretStr(granted.url.replace(part, wrong, 1))})
    published = publish(settings, "run 2")
    assert published.written is None and published.warning
    assert why in published.warning and f"What to do: {remedy}" in published.warning
    assert "secret" not in published.warning and "\n" not in published.warning
    with duckdb.connect(settings.published, read_only=True) as file:
        assert file.execute("select run_id from control.publication").fetchall() == [("run 2",)]


def test_a_setting_that_is_no_url_is_refused_without_quoting_it():
    for wrong in ("it's a secret", "mysql://u:secret@h/d", "postgresql://u:secret@h:port/d"):
        with pytest.raises(ValidationError) as refused:
            Settings(postgres_url=SecretStr(wrong))
        assert "postgresql://user:password@host:5432/database" in refused.value.errors()[0]["msg"]
        assert "secret" not in str(refused.value)


MANY = "insert into marts.fct_sent select 1000 + i, timestamp '2025-06-01', 'x' from range({}) as r (i)"
PUBLISH = """
import sys
from pathlib import Path
from orchestration.publish import catch_up
from orchestration.settings import Settings
print(catch_up(Settings(home=Path(sys.argv[1])))[1], flush=True)
"""


@pytest.mark.parametrize("killed", ["the writer", "its backend", "the server"])
def test_killed_half_way_nothing_is_half_written_and_the_next_run_catches_up(
    killed: str, settings: Settings, granted: Server
):
    change(settings, MANY.format(1_000_000))
    change(settings, "update marts.fct_sent set name = 'changed'")
    publish(settings.model_copy(update={"postgres_url": None}), "run 2")
    writer = subprocess.Popen(
        [sys.executable, "-c", PUBLISH, settings.home],
        env=os.environ | {"GOALPOST_POSTGRES_URL": granted.url},
        stdout=subprocess.PIPE,
        text=True,
    )
    copying = 'select pid from pg_stat_activity where query like \'COPY "marts"."fct_sent"%\''
    with granted.connect() as connection:
        while not (found := connection.execute(copying).fetchall()):
            assert writer.poll() is None
            time.sleep(0.01)
        time.sleep(0.3)
        if killed == "its backend":
            connection.execute("select pg_terminate_backend(%s)", found[0])
    if killed == "the writer":
        writer.send_signal(signal.SIGKILL)
    if killed == "the server":
        granted.stop("immediate")
    output, _ = writer.communicate(timeout=60)
    if killed == "the server":
        granted.start()
    if killed != "the writer":
        assert writer.returncode == 0 and "is behind, it could not be written" in output

    while read(granted, copying):  # the backend notices that the writer is gone
        time.sleep(0.01)
    assert read(granted, "select count(*), count(*) filter (where name = 'changed') from marts.fct_sent") == [
        (90, 0)
    ]
    assert read(granted, "select run_id from goalpost.publication") == [("run",)]
    caught_up, warning = catch_up(settings)
    assert caught_up and caught_up.rows == 1_000_090 and warning is None
    assert read(granted, "select count(*), count(distinct id) from marts.fct_sent") == [
        (1_000_090, 1_000_090)
    ]
