"""The working database: who may open it, and what everybody else is told."""

import os
import struct
import subprocess
import sys
import textwrap
import threading
import time
from pathlib import Path

import duckdb
import pytest

from orchestration.contract import RAW_TABLES
from orchestration.errors import GoalpostError
from orchestration.settings import Settings
from orchestration.warehouse import connect, mend, single_writer


@pytest.fixture
def settings(tmp_path):
    return Settings(home=tmp_path / "home")


class OtherProcess:
    """Runs code until it prints a line, then keeps it waiting, with everything open, until it is told to
    end."""

    def __init__(self, settings: Settings, code: str):
        script = f"""
            import duckdb, sys
            from orchestration.settings import Settings
            from orchestration.warehouse import connect, single_writer
            settings = Settings(home={str(settings.home)!r})
            {code}
                print("holding", flush=True)
                sys.stdin.read()
        """
        command = [sys.executable, "-c", textwrap.dedent(script)]
        self.process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        assert self.process.stdout.readline() == "holding\n"

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.let_go()

    def let_go(self):
        self.process.communicate("")


def tables(connection: duckdb.DuckDBPyConnection) -> set[str]:
    return {
        f"{schema}.{table}"
        for schema, table in connection.execute(
            "select table_schema, table_name from information_schema.tables"
        ).fetchall()
    }


def test_a_new_warehouse_has_every_table_a_run_expects(settings):
    with connect(settings) as connection:
        assert tables(connection) == {
            *(f"raw.{name}" for name in RAW_TABLES),
            *("raw.files", "control.clock", "control.runs", "control.check_results"),
            *("control.watermark", "control.built_definitions", "control.written_by", "control.layout"),
            *("control.built_models", "control.increment", "control.built_fact_months", "control.redo"),
            *("control.erasures", "control.run_steps", "control.run_quarantine", "control.mart_changes"),
        }
        assert connection.execute("select current_setting('TimeZone')").fetchall() == [("UTC",)]


def test_opening_it_again_keeps_what_is_in_it(settings):
    with connect(settings) as connection:
        connection.execute("insert into control.clock values ('2026-01-01')")
    with connect(settings) as connection:
        assert connection.execute("select count(*) from control.clock").fetchall() == [(1,)]


def test_a_raw_table_has_the_columns_of_the_contract_as_text(settings):
    with connect(settings) as connection:
        types = {name: type_ for name, type_, *_ in connection.execute("describe raw.segments").fetchall()}
    contract = dict.fromkeys(
        ["workspace_id", "segment_id", "updated_at", "name", "filter", "sequence"], "VARCHAR"
    )
    records = {"raw_record": "VARCHAR", "vendor_record": "VARCHAR"}
    assert types == {"file_id": "BIGINT", "row_number": "BIGINT", **contract, **records}


def test_reading_needs_a_warehouse_and_writes_nothing(settings):
    with pytest.raises(GoalpostError, match=r"There is no warehouse at .* yet: start with `goalpost run`"):
        connect(settings, read_only=True)
    assert not settings.home.exists()
    connect(settings).close()
    with connect(settings, read_only=True) as connection, pytest.raises(duckdb.InvalidInputException):
        connection.execute("create table raw.x (y integer)")


def test_a_warehouse_whose_creation_was_killed_is_created_anew(settings):
    settings.home.mkdir()
    settings.warehouse.with_suffix(".new").write_bytes(b"half")
    connect(settings).close()
    assert set(settings.home.iterdir()) == {settings.warehouse, settings.warehouse_marts}


def test_who_finds_the_warehouse_held_waits_for_it(settings):
    with OtherProcess(settings, "with connect(settings):") as other:
        release = threading.Timer(0.3, other.let_go)
        release.start()
        connect(settings, wait_seconds=30).close()
        release.join()


def test_who_waits_in_vain_hears_which_process_holds_it(settings):
    with OtherProcess(settings, "with connect(settings):") as other:
        for read_only in (False, True):
            with pytest.raises(GoalpostError) as error:
                connect(settings, read_only=read_only, wait_seconds=0.2)
            assert str(settings.warehouse) in str(error.value)
            assert f"process {other.process.pid}" in str(error.value)


def test_a_reader_of_the_marts_file_is_waited_for_and_named(settings):
    connect(settings).close()
    with OtherProcess(settings, "with duckdb.connect(settings.warehouse_marts, read_only=True):") as other:
        with pytest.raises(GoalpostError) as error:
            connect(settings, wait_seconds=0.2)
        assert str(settings.warehouse_marts) in str(error.value)
        assert f"process {other.process.pid}" in str(error.value)
        duckdb.connect(settings.warehouse).close()  # it was let go


def test_marts_that_are_no_database_say_so_and_the_next_run_makes_them_anew(settings):
    connect(settings).close()
    settings.warehouse_marts.write_bytes(b"no database")
    for read_only in (False, True):
        with pytest.raises(
            GoalpostError, match=r"marts.duckdb, cannot be opened .*: `goalpost run` rebuilds"
        ):
            connect(settings, read_only=read_only)
    [done] = mend(settings)
    aside = settings.warehouse_marts.with_name("warehouse.marts.duckdb.broken")
    assert f"are moved to {aside} and rebuilt" in done.replace("they ", "")
    assert aside.read_bytes() == b"no database"
    connect(settings).close()
    assert mend(settings) == []


@pytest.mark.parametrize("database", ["warehouse", "warehouse_marts"])
def test_the_log_of_a_database_that_is_gone_is_not_played_into_the_next_one(database, settings):
    path = getattr(settings, database)
    log = path.with_name(f"{path.name}.wal")
    with OtherProcess(settings, "with connect(settings) as c:") as other:
        other.process.kill()
        other.process.wait()
    path.unlink()
    log.write_bytes(b"of the old one")
    [done] = mend(settings)
    assert f"{log} belongs to a database that is gone" in done
    connect(settings).close()


def raise_version(path: Path) -> None:
    """The first block of a DuckDB file: a checksum, "DUCK", the version of the storage."""
    block = bytearray(path.read_bytes()[:4096])
    block[12:20] = struct.pack("<Q", 99)
    checksum = 5381
    for (number,) in struct.iter_unpack("<Q", block[8:]):
        checksum ^= number * 0xBF58476D1CE4E5B9 & 2**64 - 1
    block[:8] = struct.pack("<Q", checksum)
    with path.open("r+b") as file:
        file.write(block)


@pytest.mark.parametrize("database", ["warehouse", "warehouse_marts"])
def test_a_file_of_a_newer_duckdb_is_left_alone_and_named(database, settings):
    connect(settings).close()
    path = getattr(settings, database)
    raise_version(path)
    before = path.read_bytes()
    for use in (connect, lambda settings: mend(settings) and connect(settings)):
        with pytest.raises(GoalpostError, match=rf"{path} was written by a newer DuckDB than"):
            use(settings)
            connect(settings)
    assert path.read_bytes() == before


def test_a_warehouse_of_a_newer_goalpost_is_left_alone(settings):
    with connect(settings) as connection:
        connection.execute("update control.layout set version = 99")
    for read_only in (False, True):
        with pytest.raises(GoalpostError, match="was written by a newer Goalpost: use that one"):
            connect(settings, read_only=read_only)


def test_a_log_that_is_broken_says_so(settings):
    with connect(settings) as connection:
        connection.execute("set checkpoint_threshold = '1TB'")
        connection.execute("create table control.x as select range as x from range(100000)")
        log = settings.warehouse.with_name("warehouse.duckdb.wal")
        content = bytearray(log.read_bytes())
    content[2000:2500] = bytes(500)
    log.write_bytes(content)
    with pytest.raises(GoalpostError, match=r"warehouse.duckdb cannot be opened \(.*WAL.*\): put it back"):
        connect(settings)


def test_marts_where_the_first_version_kept_them_make_room(settings):
    connect(settings).close()
    with duckdb.connect(settings.warehouse) as connection:
        connection.execute("create schema marts; create table marts.fct_touches as select 1 as old")
    with connect(settings) as connection:
        connection.execute("create table marts.fct_touches as select 2 as new")
        assert connection.execute("from marts.fct_touches").fetchall() == [(2,)]


@pytest.mark.parametrize("content", [b"", b"no database", b"\0" * 20000])
def test_a_file_that_is_no_database_says_so_and_is_left_alone(settings, content):
    settings.home.mkdir()
    settings.warehouse.write_bytes(content)
    with pytest.raises(
        GoalpostError, match=r"The warehouse .*warehouse.duckdb cannot be opened .*: put it back"
    ):
        connect(settings)
    assert settings.warehouse.read_bytes() == content


def test_a_home_that_cannot_be_made_says_what_to_do(tmp_path):
    (tmp_path / "file").write_text("")
    for use in (connect, lambda settings: single_writer(settings).__enter__()):
        with pytest.raises(GoalpostError, match=r"cannot be created .*: set GOALPOST_HOME"):
            use(Settings(home=tmp_path / "file" / "home"))


@pytest.mark.skipif(os.getuid() == 0, reason="root may write anywhere")
def test_a_home_that_cannot_be_written_says_what_to_do(settings):
    settings.home.mkdir(mode=0o555)
    with pytest.raises(GoalpostError, match="cannot be written"):
        connect(settings)


def test_a_home_on_a_disk_that_is_not_mounted_is_not_made_on_another(tmp_path, monkeypatch):
    monkeypatch.setattr("orchestration.modes.MOUNTS", [tmp_path])
    with pytest.raises(GoalpostError, match=rf"There is no {tmp_path}/disk, .*: mount the disk"):
        connect(Settings(home=tmp_path / "disk" / "goalpost"))
    assert not (tmp_path / "disk").exists()
    (tmp_path / "home").symlink_to(tmp_path / "disk")
    with pytest.raises(GoalpostError, match=rf"is a link to {tmp_path}/disk, which does not exist: mount"):
        connect(Settings(home=tmp_path / "home"))


def test_of_two_that_start_at_once_one_writes_and_the_other_hears_who(settings):
    """Also the first time, when the home does not exist yet."""
    script = (
        "import sys\n"
        "from orchestration.settings import Settings\n"
        "from orchestration.warehouse import single_writer\n"
        "sys.argv[0] = 'goalpost'\n"
        "print(flush=True); sys.stdin.readline()\n"
        "with single_writer(Settings()): print('writes', flush=True); sys.stdin.readline()\n"
    )
    both = [
        subprocess.Popen(
            [sys.executable, "-c", script, "run"],
            env=os.environ | {"GOALPOST_HOME": str(settings.home)},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        for _ in range(2)
    ]
    for each in both:
        each.stdout.readline()
    for each in both:
        each.stdin.write("go\n")
        each.stdin.flush()
    deadline = time.monotonic() + 60
    while all(each.poll() is None for each in both) and time.monotonic() < deadline:
        time.sleep(0.01)
    [loser] = [each for each in both if each.poll() is not None]
    [winner] = [each for each in both if each is not loser]
    assert f"process {winner.pid} (goalpost run), since 20" in loser.communicate()[1]
    assert winner.communicate("\n")[0] == "writes\n"


def test_there_is_one_writer_and_the_next_hears_who_it_is(settings):
    with OtherProcess(settings, "with single_writer(settings):") as other:
        pid = other.process.pid
        with pytest.raises(GoalpostError, match=rf"process {pid} \(.*\), since 20\d\d-.* UTC"):
            single_writer(settings).__enter__()
    with single_writer(settings):
        pass


def test_a_killed_writer_is_a_writer_no_more(settings):
    with OtherProcess(settings, "with single_writer(settings):") as other:
        other.process.kill()
        other.process.wait()
        with single_writer(settings):
            pass


def test_settings_come_from_the_environment_and_are_absolute(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("GOALPOST_HOME", raising=False)
    monkeypatch.setenv("GOALPOST_LANDING", "")
    assert Settings().home == tmp_path / ".goalpost"
    assert Settings().landing == str(tmp_path / ".goalpost" / "landing")
    monkeypatch.setenv("GOALPOST_HOME", "there")
    monkeypatch.setenv("GOALPOST_LANDING", "s3://bucket/landing")
    assert Settings().home == tmp_path / "there"
    assert Settings().landing == "s3://bucket/landing"
