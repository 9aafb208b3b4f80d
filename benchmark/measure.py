"""What is measured: the real pipeline on a world, compared with a floor on the same machine at the same time.

Belongs here: one function per measure, on a fresh copy of the world's warehouse, and what they share: a run,
the floors. Does not: the data (world.py), other tools (peers.py), judging the figures (report.py).

Time is CPU time, user and system on all threads. Wall time is reported only if a user waits for it.
"""

import json
import shutil
import sys
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from uuid import uuid4

import duckdb

from benchmark import peers, process
from benchmark.world import (
    LONG,
    World,
    land_day,
    land_history,
    land_late,
    replace_goals,
    start_of,
    turn_snapshots_into_changes,
    write_landing,
)
from orchestration import changes, runs
from orchestration.contract import RAW_TABLES
from orchestration.landing import land_new_files
from orchestration.selection import FACTS, increment_arguments, landed_rows, left_out
from orchestration.settings import DBT_PROJECT, PROJECT_ROOT, Settings
from orchestration.warehouse import create_file

GOALPOST = str(Path(sys.executable).with_name("goalpost"))
# Everything downstream of the typed rows of the large tables, which are not rebuilt.
FROM_TYPED = ("--full-refresh", "--exclude", *(f"base_{table}" for table in FACTS))
WITHOUT_TESTS = ("--exclude-resource-type", "test", "--exclude-resource-type", "unit_test")
SQL_TYPES = {
    "timestamp": "timestamp",
    "boolean": "boolean",
    "integer": "bigint",
    "number": "double",
    "json": "json",
}


@dataclass(frozen=True)
class Build:
    """CPU time: of the statements by node (`nodes`), of all statements (`sql`), and of the rest
    (`around`)."""

    sql: float
    around: float
    wall: float
    peak_bytes: int
    nodes: dict[str, float]


class Bench:
    """A world in a folder. Its warehouse, with the history landed and built, is made once, then only
    copied."""

    def __init__(self, world: World, folder: Path, repeats: int):
        self.world, self.folder, self.repeats = world, folder, repeats
        self.seconds_making = 0.0

    def settings(self, name: str) -> Settings:
        return Settings(home=self.folder / name, landing=str(self.folder / name / "landing"))

    def prepare(self) -> None:
        history = self.settings("history")
        made_by = history.home / "made_by"
        world = [Path(__file__).parent / name for name in ("world.py", "world.sql", "goals.yml")]
        code = changes.hash_of(changes.hash_each([*changes.CODE, *world]))
        if not made_by.exists() or made_by.read_text() != code:
            began = time.perf_counter()
            shutil.rmtree(history.home, ignore_errors=True)
            land_history(history, self.world)
            self.run(history, self.world.days, "--full-refresh")
            made_by.write_text(code)
            self.seconds_making += time.perf_counter() - began

    @contextmanager
    def copy(self) -> Iterator[Settings]:
        self.prepare()
        with self.empty() as settings:
            history = self.settings("history")
            shutil.copy(history.warehouse, settings.warehouse)
            shutil.copy(history.warehouse_marts, settings.warehouse_marts)
            yield settings

    @contextmanager
    def empty(self) -> Iterator[Settings]:
        settings = self.settings("copy")
        shutil.rmtree(settings.home, ignore_errors=True)
        settings.home.mkdir(parents=True)
        yield settings
        shutil.rmtree(settings.home)

    def run(self, settings: Settings, day: int, *arguments: str, **environment: str) -> Build:
        """A run as of the end of the day, without checks and publishing. As in `goalpost run`, an increment
        leaves out models for which nothing landed."""
        run_id, as_of = str(uuid4()), start_of(day + 1)
        run = runs.start_run(settings, run_id, as_of=as_of, full_refresh="--full-refresh" in arguments)
        target = self.folder / "dbt"
        (target / "dbt.log").unlink(missing_ok=True)
        unbuilt = {argument for argument in arguments if argument.startswith("base_")}
        if "--full-refresh" not in arguments:
            manifest = json.loads((target / "manifest.json").read_text("utf-8"))
            landed = landed_rows(settings)
            idle = left_out(manifest, landed)
            arguments += tuple(increment_arguments(manifest, idle, landed))
            unbuilt = {manifest["nodes"][node]["name"] for node in idle}
        runs.open_increment(settings, run, left_out=unbuilt)
        figures = self.folder / "statements.json"
        finished = process.run(
            [sys.executable, "-m", "benchmark.build", str(figures), *WITHOUT_TESTS, *arguments],
            {
                "GOALPOST_WAREHOUSE": str(settings.warehouse),
                "GOALPOST_KEEP_OPEN": "True",
                "DBT_PROJECT_DIR": str(DBT_PROJECT),
                "DBT_PROFILES_DIR": str(DBT_PROJECT),
                "DBT_TARGET_PATH": str(target),
                "DBT_LOG_PATH": str(target),
                "DBT_SEND_ANONYMOUS_USAGE_STATS": "false",
                "PYTHONPATH": str(PROJECT_ROOT),
                **environment,
            },
            DBT_PROJECT,
        )
        runs.record_build(settings, run_id)
        runs.finish_run(settings, run_id, "succeeded")
        nodes = json.loads(figures.read_text("utf-8"))
        sql = sum(nodes.values())
        return Build(sql, finished.cpu - sql, finished.wall, finished.peak_bytes, nodes)


def full_refresh(bench: Bench) -> dict:
    """Full refreshes from typed staging, alternating with their floor."""
    builds, floors = [], []
    with bench.copy() as settings:
        for _ in range(bench.repeats):
            builds.append(asdict(bench.run(settings, bench.world.days, *FROM_TYPED)))
            floors.append(typed_floor(settings))
    return {"builds": builds, "floors": floors}


def low_memory(bench: Bench) -> dict:
    with bench.copy() as settings:
        build = bench.run(settings, bench.world.days, *FROM_TYPED, GOALPOST_MEMORY_LIMIT="2GB")
    return {"builds": [asdict(build)]}


def days(bench: Bench) -> dict:
    """Three days in order, one day with some late rows, and one day with almost no rows."""
    last = bench.world.days
    with bench.copy() as settings:
        builds = [_day(bench, settings, day) for day in range(last + 1, last + 4)]
        land_late(settings, bench.world, last + 4)
        late = _day(bench, settings, last + 4)
        few = _day(bench, settings, last + 5, messages=10)
    return {"builds": builds, "late": [late], "few_rows": [few]}


def growth(bench: Bench) -> dict:
    """Three days with as many rows as a world with a tenth of the people has."""
    last, messages = bench.world.days, bench.world.messages_a_day // 10
    with bench.copy() as settings:
        return {"builds": [_day(bench, settings, day, messages) for day in range(last + 1, last + 4)]}


def goals(bench: Bench) -> dict:
    """Full refreshes with an increasing number of goals, and the number of rows in the marts."""
    by_goals = {}
    for number in (5, 20, 60):
        with bench.copy() as settings:
            replace_goals(settings, replace(bench.world, goals=number))
            build = bench.run(settings, bench.world.days, *FROM_TYPED)
            by_goals[number] = asdict(build) | {"floor": typed_floor(settings), "rows": _rows(settings)}
    return by_goals


def profile_changes(bench: Bench) -> dict:
    """Full refreshes of as many snapshots as changes: what the models that read them cost."""
    costs = {}
    with bench.copy() as settings:
        for table in ("profile_snapshots", "profile_changes"):
            if table == "profile_changes":
                turn_snapshots_into_changes(settings)
            nodes = bench.run(settings, bench.world.days, "--full-refresh").nodes
            costs[table] = {
                name: nodes[name] for name in (f"base_{table}", "int_profile_states", "dim_profiles")
            }
    return costs


def landed(bench: Bench) -> dict:
    """A run from JSONL files of thirty days each, and its floor: DuckDB's own reader, and writing the
    marts."""
    bench.prepare()
    with bench.empty() as settings:
        write_landing(bench.settings("history"), Path(settings.landing), files_in_one=30)
        began = time.process_time()
        land_new_files(settings)
        landing = time.process_time() - began
        build = bench.run(settings, bench.world.days, "--full-refresh")
        floor = {"read": json_floor(settings), "write": typed_floor(settings)["write"]}
    return {"landing": landing, "build": asdict(build), "floor": floor}


def small_run(bench: Bench) -> dict:
    """`goalpost run`, with checks and publishing, on a thousand new rows. The first run is a warm-up."""
    finished = []
    with bench.copy() as settings:
        for day in range(bench.world.days + 1, bench.world.days + 5):
            _land_a_thousand_rows(bench, settings, day)
            command = [GOALPOST, "run", "--as-of", start_of(day + 1).isoformat()]
            finished.append(process.run(command, _places(settings)))
    return {"walls": [each.wall for each in finished[1:]], "cpu": [each.cpu for each in finished[1:]]}


def sensor(bench: Bench) -> dict:
    """The time from landing a thousand new rows to publishing them, by the sensor of `goalpost dev`. The
    first run is a warm-up."""
    waits = []
    with bench.copy() as settings, process.running([GOALPOST, "dev"], _places(settings)):
        for day in range(bench.world.days + 1, bench.world.days + 5):
            before = _written_at(settings.published)
            _land_a_thousand_rows(bench, settings, day)
            began = time.perf_counter()
            while _written_at(settings.published) == before:
                if time.perf_counter() - began > 600:
                    raise RuntimeError("The sensor started no run, or the run published nothing.")
                time.sleep(0.1)
            waits.append(time.perf_counter() - began)
            time.sleep(10)  # the run has to end
    return {"waits": waits[1:]}


def room(bench: Bench) -> dict:
    """The size of the warehouse over thirty days of runs, and of a new one with the same rows."""
    last, builds = bench.world.days, []
    with bench.copy() as settings:
        sizes = [_sizes(settings)]
        for day in range(last + 1, last + 31):
            builds.append(_day(bench, settings, day))
            if (day - last) % 10 == 0:
                sizes.append(_sizes(settings))
    return {"every_ten_days": sizes, "builds": builds}


def peer_tools(bench: Bench) -> dict:
    with bench.empty() as settings:
        return peers.compare(bench.world, settings.home)


MEASURES = (
    full_refresh,
    days,
    growth,
    goals,
    profile_changes,
    landed,
    low_memory,
    peer_tools,
    small_run,
    sensor,
    room,
)
ONLY_UP_TO_1M = ("goals", "profile_changes", "landed", "small_run", "sensor", "room")
ONLY_BEYOND_1M = ("growth", "low_memory")
LONG_HISTORY = ("days",)


def measures_of(name: str, world: World) -> list[str]:
    """The names of the measures that a world gets by default."""
    if name.endswith(LONG):
        return list(LONG_HISTORY)
    left_out = ONLY_UP_TO_1M if world.deliveries > 1_000_000 else ONLY_BEYOND_1M
    return [measure.__name__ for measure in MEASURES if measure.__name__ not in left_out]


def typed_floor(settings: Settings) -> dict[str, float]:
    """The CPU time to read every value of staging's large tables, and to write all marts to a new file."""
    with _beside(settings) as connection:
        reads = [_reading_of(connection, f"warehouse.staging.stg_{table}") for table in FACTS]
        writes = [f"create table {mart} as from marts.{mart}" for _, mart in _tables(connection, "marts")]
        return {"read": _cpu_of(connection, reads), "write": _cpu_of(connection, [*writes, "checkpoint"])}


def json_floor(settings: Settings) -> float:
    """The CPU time of DuckDB's own reader for the landed files, into typed tables."""
    statements = []
    for table in (table for table in RAW_TABLES.values() if (Path(settings.landing) / table.name).exists()):
        types = {column.name: SQL_TYPES.get(column.type, "varchar") for column in table.columns}
        files = Path(settings.landing) / table.name / "*.jsonl"
        statements.append(
            f"create table {table.name} as "
            f"from read_json('{files}', format = 'newline_delimited', columns = {types})"
        )
    with _beside(settings) as connection:
        return _cpu_of(connection, [*statements, "checkpoint"])


def _day(bench: Bench, settings: Settings, day: int, messages: int | None = None) -> dict:
    land_day(settings, bench.world, day, messages)
    return asdict(bench.run(settings, day))


def _land_a_thousand_rows(bench: Bench, settings: Settings, day: int) -> None:
    """Land some messages of the day and what follows from them; each file appears in the landing complete."""
    drawn = bench.settings("drawn")
    land_day(drawn, bench.world, day, messages=125)
    write_landing(drawn, Path(drawn.landing), files_in_one=1, name=f"day-{day}-")
    for file in Path(drawn.landing).rglob("*.jsonl"):
        place = Path(settings.landing) / file.relative_to(drawn.landing)
        place.parent.mkdir(parents=True, exist_ok=True)
        file.rename(place)
    shutil.rmtree(drawn.home)


def _places(settings: Settings) -> dict[str, str]:
    return {"GOALPOST_HOME": str(settings.home), "GOALPOST_LANDING": settings.landing}


def _written_at(file: Path) -> int:
    return file.stat().st_mtime_ns if file.exists() else 0


@contextmanager
def _beside(settings: Settings) -> Iterator[duckdb.DuckDBPyConnection]:
    """A new database file, with the warehouse and its marts attached for reading."""
    path = settings.home / "floor.duckdb"
    path.unlink(missing_ok=True)
    create_file(path)
    with duckdb.connect(path) as connection:
        connection.execute(f"attach '{settings.warehouse}' as warehouse (read_only)")
        connection.execute(f"attach '{settings.warehouse_marts}' as marts (read_only)")
        yield connection
    path.unlink()


def _cpu_of(connection: duckdb.DuckDBPyConnection, statements: Iterable[str]) -> float:
    began = time.process_time()
    for statement in statements:
        connection.execute(statement).fetchall()
    return time.process_time() - began


def _reading_of(connection: duckdb.DuckDBPyConnection, relation: str) -> str:
    """The cheapest query that decodes every value."""
    columns = connection.execute(f"describe {relation}").fetchall()
    read = [f"max(strlen({name}))" if type == "VARCHAR" else f"max({name})" for name, type, *_ in columns]
    return f"select {', '.join(read)} from {relation}"


def _tables(connection: duckdb.DuckDBPyConnection, *places: str) -> list[tuple[str, str]]:
    return connection.execute(
        "select if(schema_name = 'main', database_name, database_name || '.' || schema_name) as place, "
        "table_name from duckdb_tables() where place in (select unnest(?))",
        [places],
    ).fetchall()


def _rows(settings: Settings) -> dict[str, int]:
    with _beside(settings) as connection:
        return {
            name: connection.execute(f"select count(*) from {place}.{name}").fetchall()[0][0]
            for place, name in _tables(connection, "warehouse.intermediate", "marts")
        }


def _sizes(settings: Settings) -> dict[str, int]:
    """The sizes of the two files of the warehouse, and of two new files with the same rows."""
    compact = 0
    for attached in ("warehouse", "marts"):
        with _beside(settings) as connection:
            database = connection.execute("select current_database()").fetchall()[0][0]
            connection.execute(f"copy from database {attached} to {database}").fetchall()
            connection.execute("checkpoint")
            compact += (settings.home / "floor.duckdb").stat().st_size
    return {
        "file": settings.warehouse.stat().st_size + settings.warehouse_marts.stat().st_size,
        "compact": compact,
    }
