"""Accidents: full disks, broken and lost files. Goalpost recomputes what it can; else a sentence names the
file."""

import errno
import os
import resource
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import duckdb
import pytest
from homes import copy_home, first_home, goalpost
from test_kill import differences
from test_warehouse import OtherProcess

from orchestration.faults import told
from orchestration.settings import Settings
from orchestration.warehouse import connect, single_writer


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Settings:
    return first_home(tmp_path_factory.mktemp("faults"))


@pytest.fixture
def settings(whole: Settings, tmp_path: Path) -> Settings:
    settings = Settings(home=tmp_path / "home", landing=whole.landing)
    copy_home(whole, settings)
    return settings


def overwrite(path: Path) -> None:
    """Every other block of its data: DuckDB has 12 kB of heads, then blocks of 256 kB."""
    with path.open("r+b") as file:
        for place in range(12288 + 2 * 262144, path.stat().st_size, 2 * 262144):
            file.seek(place + 500)
            file.write(os.urandom(2000))


def test_what_can_be_made_anew_is_made_anew(whole: Settings, settings: Settings):
    [manifest] = (settings.home / "dbt" / "manifests").glob("*.json")
    manifest.write_text('{"nodes": {}}')
    settings.published.unlink()
    settings.warehouse_marts.write_bytes(b"no database")
    (settings.dagster_home / "history" / "runs.db").write_bytes(os.urandom(9000))
    for name in (
        "warehouse.new",
        "warehouse.new.wal",
        "marts.duckdb.unfinished",
        "published.json.unfinished",
    ):
        (settings.home / name).write_bytes(b"half")

    run = goalpost(settings, "run")

    assert (run.returncode, run.stderr) == (0, "")
    assert f"{settings.home}/warehouse.marts.duckdb.broken and rebuilt" in run.stdout
    assert f"Dagster's history {settings.dagster_home}/history/runs.db is broken" in run.stdout
    assert differences(whole, settings) == {}
    assert "Nothing to do" in goalpost(settings, "run").stdout


def unlink(path: Path) -> None:
    path.unlink()


def cut(path: Path) -> None:
    os.truncate(path, path.stat().st_size // 2)


def change(path: Path) -> None:
    content = bytearray(path.read_bytes())
    content[100:110] = bytes(10)
    path.write_bytes(content)


def test_what_was_published_and_is_lost_is_published_again_without_a_run(whole: Settings, settings: Settings):
    with closing(connect(settings, read_only=True)) as connection:
        runs = connection.execute("select count(*) from control.runs").fetchall()
    dim_goals = settings.published_parquet / "dim_goals" / "dim_goals.parquet"
    as_it_was = dim_goals.read_bytes()
    dim_sources = settings.published_parquet / "dim_sources" / "dim_sources.parquet"
    for damage in (unlink, cut, change):
        damage(settings.published)
        damage(dim_goals)
        again = goalpost(settings, "run")
        assert (again.returncode, again.stderr) == (0, "")
        assert again.stdout.startswith(
            "Published again; there was nothing else to do: marts.duckdb and 1 more"
        )
        assert differences(whole, settings) == {}
        assert dim_goals.read_bytes() == as_it_was
        dim_sources.unlink()
        assert "dim_sources.parquet is missing" in goalpost(settings, "run").stdout
        assert "Nothing to do" in goalpost(settings, "run").stdout
    with closing(connect(settings, read_only=True)) as connection:
        assert connection.execute("select count(*) from control.runs").fetchall() == runs
        assert connection.execute("select as_of::varchar from control.clock").fetchall() == [
            ("2026-02-01 00:00:00",)
        ]


def test_on_a_full_disk_a_run_says_so_and_carries_on_when_there_is_room(whole: Settings, settings: Settings):
    size = settings.warehouse.stat().st_size

    def small() -> None:  # as full as a disk can be for a test: the warehouse may not grow
        resource.setrlimit(resource.RLIMIT_FSIZE, (size, resource.RLIM_INFINITY))

    full = goalpost(settings, "run", "--as-of", "2026-02-01", "--full-refresh", preexec_fn=small)
    assert full.returncode == 1
    assert full.stderr.startswith("goalpost: The disk is full, /")
    assert full.stderr.count("\n") == 1
    assert "make room, then `goalpost run` again; it carries on" in full.stderr

    assert goalpost(settings, "run", "--as-of", "2026-02-01").returncode == 0
    assert differences(whole, settings) == {}


@pytest.mark.parametrize("command", ["run --full-refresh", "status", "explain --goal g --profile p"])
@pytest.mark.parametrize("damage", [overwrite, lambda path: os.truncate(path, 0)])
def test_a_broken_warehouse_is_named_by_every_command(
    command: str, damage: Callable[[Path], None], settings: Settings
):
    damage(settings.warehouse)
    ended = goalpost(settings, *command.split())
    assert ended.returncode == 1
    assert ended.stderr.startswith(f"goalpost: The warehouse {settings.warehouse} ")
    assert "back from a copy, or move" in ended.stderr


def test_the_file_of_an_overwritten_block_is_found_and_what_can_be_made_anew_makes_room(settings: Settings):
    message = "IO Error: Corrupt database file: computed checksum 1 does not match stored checksum 2"
    assert told(message, settings) is None  # every file is complete

    overwrite(settings.warehouse_marts)
    assert str(told(message, settings)).endswith(f"({message}): `goalpost run` rebuilds them.")
    assert settings.warehouse_marts.exists()
    with single_writer(settings):
        assert "warehouse.marts.duckdb.broken: start `goalpost run` again" in str(told(message, settings))
    assert not settings.warehouse_marts.exists()

    overwrite(settings.published)
    assert f"The published {settings.published} is broken" in str(told(message, settings))
    settings.published.unlink()
    overwrite(settings.warehouse)
    assert f"The warehouse {settings.warehouse} is broken" in str(told(message, settings))


@pytest.mark.parametrize(
    ("error", "sentence"),
    [
        (
            OSError(errno.ENOSPC, "No space left on device", "/x/a"),
            "The disk is full, /x/a could not be written",
        ),
        (
            duckdb.IOException('IO Error: Could not write file "/x/a.wal": No space left on device'),
            "The disk is full, /x/a.wal could not be written",
        ),
        ("Out of Memory Error: failed to offload data block of size 96.0 KiB", "The disk is full"),
        ("(sqlite3.OperationalError) database or disk is full", "The disk is full"),
        ("(sqlite3.OperationalError) attempt to write a readonly database", "cannot be written or read"),
        (OSError(errno.EROFS, "Read-only file system", "/x/a"), "/x/a cannot be written or read"),
        (OSError(errno.EIO, "Input/output error", "/x/a"), "The disk of /x/a fails, or is full"),
        ("(sqlite3.DatabaseError) database disk image is malformed", "Dagster's history in"),
        (
            'IO Error: Could not set lock on file "/x/w.duckdb": Conflicting lock is held in python (PID 7)',
            "/x/w.duckdb is held by process 7",
        ),
    ],
)
def test_an_accident_is_a_sentence_whoever_saw_it(error: Exception | str, sentence: str, tmp_path: Path):
    assert sentence in str(told(error, Settings(home=tmp_path)))


def test_what_is_no_accident_is_not_taken_for_one(tmp_path: Path):
    assert told(KeyError("x"), Settings(home=tmp_path)) is None
    assert told("dbt model fct_x failed: Binder Error: no such column", Settings(home=tmp_path)) is None


def test_a_history_that_goalpost_dev_uses_is_not_taken_from_it(settings: Settings):
    (settings.dagster_home / "history" / "runs.db").write_bytes(b"")
    with OtherProcess(
        settings,
        f"from pathlib import Path; from orchestration.locks import held\n            "
        f"with held(Path({str(settings.dev_lock)!r}), ''):",
    ) as other:
        run = goalpost(settings, "run", "--full-refresh")
    assert run.returncode == 1
    assert "runs.db is broken (it is empty), and `goalpost dev` uses it" in run.stderr
    assert f"process {other.process.pid} " in run.stderr
