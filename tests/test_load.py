"""A year of the demo lands piece by piece under a real `goalpost dev`, while processes are killed, files come
broken, twice or late, and the disk is full for a while: the marts are those of a quiet day, nobody had to do
anything, and each incident was told once.

By default one fault happens: a run is killed, and with it Dagster's code server. `GOALPOST_LOAD=1 make test`
replays the year by the hour, for half an hour, with all faults (CONTRIBUTING.md).
"""

import gzip
import os
import random
import shutil
import signal
import subprocess
import threading
import time
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from datetime import datetime, timedelta
from pathlib import Path

import duckdb
import pytest
from homes import GOALPOST, demo_home, read_models
from pydantic import SecretStr
from test_alerts import Receiver
from test_kill import differences

from orchestration import clock, runs
from orchestration.dagster_instance import KEPT_RUNS
from orchestration.demo import AS_OF
from orchestration.errors import GoalpostError
from orchestration.settings import Settings

IS_SLOW = bool(os.environ.get("GOALPOST_LOAD"))
SEED = int(os.environ.get("GOALPOST_LOAD_SEED", "1"))
# Hours that land at once; seconds from one landing to the next; seconds from one fault to the next.
HOURS, PACE, FAULTS_EVERY = (1, 0.15, 90) if IS_SLOW else (24 * 61, 1, 1)
DISK = "4g"
PATIENCE = 600
TIMES = {
    "events": "occurred_at",
    "deliveries": "sent_at",
    "journeys": "entered_at",
    "profile_snapshots": "observed_at",
}


class Sender(threading.Thread):
    """Lands the demo's year. Some rows come late, some files twice, and some broken, then whole."""

    def __init__(self, demo: Path, landing: Path):
        super().__init__(daemon=True)
        self.landing, self.chance = landing, random.Random(SEED)
        self.broken: list[str] = []
        self.is_done = False
        self.error: BaseException | None = None
        self.rows = duckdb.connect()
        self.rows.execute("set threads = 1")
        for table, moment in TIMES.items():
            # A row in fifty is a day to a hundred days late.
            self.rows.execute(
                f"""
                create table {table} as
                select *, {moment} + to_days(
                    if(hash({moment}, rowid, {SEED}) % 50 = 0, 1 + (hash(rowid, {SEED}) % 100)::int, 0)
                ) as lands_at
                from (select *, row_number() over () as rowid
                      from read_parquet('{demo}/{table}/*.parquet', union_by_name = true))
                order by lands_at
                """
            )
        for table in demo.iterdir():
            if table.name not in TIMES:
                shutil.copytree(table, landing / table.name)

    def run(self) -> None:
        try:
            self._land_all()
        except BaseException as error:
            self.error = error
        self.is_done = True

    def _land_all(self) -> None:
        repairs: list[tuple[int, Path, bytes]] = []
        begin, end = self.rows.execute(
            "select min(least), max(greatest) from ("
            + " union all ".join(
                f"select min(lands_at) as least, max(lands_at) as greatest from {table}" for table in TIMES
            )
            + ")"
        ).fetchall()[0]
        pieces = int((end - begin).total_seconds() // 3600 // HOURS) + 1
        for piece in range(pieces):
            due = time.monotonic() + PACE
            for table in TIMES:
                path = self.landing / table / f"{piece // 720:02}" / f"{piece:06}.jsonl"
                content = self._rows(table, begin, piece)
                if not content:
                    continue
                draw = self.chance.random()
                if draw < (0.001 if IS_SLOW else 0.2):  # cut off, under a name that says it is packed
                    self.broken.append(f"{path.relative_to(self.landing)}.gz")
                    repairs.append((piece + 40 // HOURS + 2, path.with_name(f"{path.name}.gz"), content))
                    self._put(path.with_name(f"{path.name}.gz"), content[: len(content) // 2])
                    continue
                self._put(path, content)
                if draw > 0.98:
                    self._put(path.with_name(f"again-{path.name}"), content)
            for _, path, content in [each for each in repairs if each[0] <= piece or piece == pieces - 1]:
                self._put(path, _packed(content))
            repairs = [each for each in repairs if each[0] > piece]
            time.sleep(max(0, due - time.monotonic()))

    def _rows(self, table: str, begin: datetime, piece: int) -> bytes:
        part = self.landing.parent / "part.json"
        part.unlink(missing_ok=True)
        first = begin + timedelta(hours=piece * HOURS)
        self.rows.execute(
            f"copy (select * exclude (rowid, lands_at) from {table} where lands_at >= timestamp '{first}' "
            f"and lands_at < timestamp '{first + timedelta(hours=HOURS)}') to '{part}' (format json)"
        )
        return part.read_bytes()

    @staticmethod
    def _put(path: Path, content: bytes) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        hidden = path.with_name(f".{path.name}")
        hidden.write_bytes(content)
        hidden.replace(path)


def _packed(content: bytes) -> bytes:
    return gzip.compress(content, mtime=0)


class Machine:
    """`goalpost dev`, which is started again when it ends, and `goalpost alerts` every so often: what systemd
    does (deploy/systemd)."""

    def __init__(self, settings: Settings, log: Path):
        self.settings, self.log = settings, log
        self.is_on = True
        self.starts = 0
        self.memory: dict[tuple[int, str], list[int]] = defaultdict(list)
        self.sizes: list[dict[str, int]] = []
        self.threads = [
            threading.Thread(target=each, daemon=True) for each in (self._keep_up, self._alert, self._measure)
        ]
        for thread in self.threads:
            thread.start()

    def off(self) -> None:
        self.is_on = False
        self.process.terminate()
        for thread in self.threads:
            thread.join(120)

    def _start(self) -> None:
        self.starts += 1
        self.process = subprocess.Popen(
            [GOALPOST, "dev"],
            env=os.environ | environment(self.settings),
            stdin=subprocess.DEVNULL,
            stdout=self.log.open("a"),
            stderr=subprocess.STDOUT,
        )

    def _keep_up(self) -> None:
        self._start()
        while self.is_on:
            if self.process.poll() is not None and self.is_on:
                time.sleep(2)
                self._start()
            time.sleep(0.2)

    def _alert(self) -> None:
        while self.is_on:
            look(self.settings)
            for _ in range(30):
                if self.is_on:
                    time.sleep(1)

    def _measure(self) -> None:
        while self.is_on:
            for pid, name in self.dagster().items():
                with suppress(OSError):
                    pages = Path(f"/proc/{pid}/statm").read_text().split()[1]
                    self.memory[pid, name].append(int(pages) * os.sysconf("SC_PAGE_SIZE") // 2**20)
            self.sizes.append(
                {
                    name: megabytes(self.settings.home / name)
                    for name in ("warehouse.duckdb", "warehouse.marts.duckdb", "dagster", "logs", "dbt")
                }
            )
            time.sleep(5)

    def dagster(self) -> dict[int, str]:
        """The processes of Dagster that live as long as it does."""
        listed = subprocess.run(["ps", "-axo", "pid=,pgid=,args="], capture_output=True, text=True).stdout
        rows = [line.split(None, 2) for line in listed.splitlines()]
        guards = {
            int(pid)
            for pid, _, args in rows
            if "orchestration.dev" in args and _parent(int(pid)) == self.process.pid
        }
        names = {"dagster._daemon": "daemon", "dagster_webserver": "web", " api grpc ": "code"}
        return {
            int(pid): name
            for pid, group, args in rows
            for part, name in names.items()
            if int(group) in guards and part in args
        }


def _parent(pid: int) -> int:
    with suppress(OSError, ValueError):
        return int(Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[1])
    return 0


def environment(settings: Settings) -> dict[str, str]:
    return {
        "GOALPOST_HOME": str(settings.home),
        "GOALPOST_LANDING": settings.landing,
        "GOALPOST_ALERT_URLS": settings.alert_urls.get_secret_value(),
    }


def look(settings: Settings) -> str:
    """What is wrong, and tell it."""
    return subprocess.run(
        [GOALPOST, "alerts"],
        env=os.environ | environment(settings),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    ).stdout


def megabytes(path: Path) -> int:
    files = [path] if path.is_file() else path.rglob("*")
    total = 0
    for file in files:
        with suppress(OSError):
            total += file.stat().st_size
    return total // 2**20


# ---- faults ------------------------------------------------------------------------------------------------


# Does it, and says what; None if it is not possible now.
Fault = Callable[[Machine], str | None]


def kill_run(machine: Machine) -> str | None:
    told = machine.settings.writer_lock.read_text().split() if machine.settings.writer_lock.exists() else []
    if "Dagster" not in told:
        return None
    if not IS_SLOW and not (machine.settings.home / "dbt" / "target" / "run").exists():
        return None  # nothing is built yet: perhaps it has not recorded itself
    with suppress(ProcessLookupError):
        os.kill(int(told[1]), signal.SIGKILL)
    return f"the run of process {told[1]} is killed"


def kill_part(name: str) -> Fault:
    def kill(machine: Machine) -> str | None:
        for pid, found in machine.dagster().items():
            if found == name:
                with suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)
                return f"Dagster's {name} is killed"
        return None

    return kill


def kill_run_and_code(machine: Machine) -> str | None:
    """At once: the code server looks after the run."""
    if done := kill_run(machine):
        return f"{done}, {kill_part('code')(machine)}"
    return None


def kill_dev(machine: Machine) -> str | None:
    machine.process.kill()
    return "goalpost dev is killed"


def fill_disk(machine: Machine) -> str | None:
    if not os.path.ismount(machine.settings.home):
        return None
    ballast = machine.settings.home / "ballast"
    with ballast.open("wb") as file, suppress(OSError):
        while True:
            file.write(bytes(2**20))
            file.flush()
    time.sleep(60 if IS_SLOW else 10)
    ballast.unlink()
    return "the disk was full for a minute"


FAULTS = [kill_run, kill_run, kill_part("daemon"), kill_part("web"), kill_part("code"), kill_dev, fill_disk]


def faults() -> Iterator[tuple[Fault, float]]:
    """Every fault, in an order by chance, then again; each with the seconds before it."""
    chance = random.Random(SEED)
    while True:
        for fault in chance.sample(FAULTS, len(FAULTS)) if IS_SLOW else [kill_run_and_code]:
            yield fault, FAULTS_EVERY * (0.5 + chance.random())


@contextmanager
def small_disk(path: Path) -> Iterator[None]:
    """Its files are in memory. Only root can do it: else the disk is never full."""
    path.mkdir()
    mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={DISK}", "load", path]).returncode == 0
    try:
        yield
    finally:
        if mounted:
            subprocess.run(["umount", "-l", path], check=True)


# ---- the day -----------------------------------------------------------------------------------------------


def work_left(settings: Settings) -> str | None:
    try:
        return runs.find_work(settings, as_of=None, full_refresh=False, wait_seconds=0)
    except (GoalpostError, duckdb.Error) as error:
        return str(error)


def wait_until_nothing_is_wrong(settings: Settings) -> None:
    deadline = time.monotonic() + 300
    while "Nothing is wrong" not in (wrong := look(settings)):
        assert time.monotonic() < deadline, wrong
        time.sleep(2)


def assert_marts_are_those_of_a_quiet_day(settings: Settings, quiet: Settings) -> None:
    """Of the demo's own files, in one run."""
    assert differences(settings, quiet) == {}
    for file in (settings.warehouse, settings.warehouse_marts):
        assert megabytes(file) <= 2 * megabytes(quiet.home / file.name) + 20, file.name


def assert_each_incident_is_told_once_and_recorded(
    settings: Settings, receiver: Receiver, sender: Sender
) -> None:
    begun = Counter(each.partition("\nSince ")[0] for each in receiver.told if not each.startswith("Over: "))
    over = Counter(each.removeprefix("Over: ") for each in receiver.told if each.startswith("Over: "))
    assert begun == over
    for path in sender.broken:
        assert sum(times for sentence, times in begun.items() if f"The file {path} was" in sentence) <= 1
    with duckdb.connect(settings.published, read_only=True) as connection:
        ended = connection.execute("select outcome, message from ops.runs").fetchall()
        aside = connection.execute("select path from ops.files where outcome = 'set_aside'").fetchall()
    assert all(message for outcome, message in ended if outcome != "succeeded")
    assert {outcome for outcome, _ in ended} <= {"succeeded", "failed", "interrupted"}
    assert {path for (path,) in aside} <= set(sender.broken)
    if not IS_SLOW:
        assert "interrupted" in {outcome for outcome, _ in ended}, "no run was killed"


def assert_nothing_grows(machine: Machine) -> None:
    for (_, name), samples in machine.memory.items():
        if len(samples) > 60:
            early, late = samples[10 : len(samples) // 2], samples[-len(samples) // 4 :]
            assert max(late) < 1.25 * max(early) + 50, (name, samples)
    assert max(each["dagster"] for each in machine.sizes) < 10 * KEPT_RUNS + 200
    assert max(each["logs"] for each in machine.sizes) < 10


def report(machine: Machine, told: list[str], folder: Path) -> None:
    """For who reads the output of a failure, or of the slow mode."""
    print("\n".join(told))
    print(f"goalpost dev was started {machine.starts} times")
    for name in machine.sizes[0]:
        every = [each[name] for each in machine.sizes]
        print(f"{name}, MB: {every[:: max(1, len(every) // 20)]}")
    for (pid, name), samples in machine.memory.items():
        print(f"memory of {name} {pid}, MB: {samples[:: max(1, len(samples) // 20)]}")
    print(f"the output of Dagster: {machine.log}, {machine.log.stat().st_size // 2**20} MB")


def test_a_year_that_lands_while_things_break_gives_the_marts_of_a_quiet_day(
    tmp_path: Path, tmp_path_factory: pytest.TempPathFactory
):
    quiet, landing = demo_home(tmp_path_factory.getbasetemp()), tmp_path / "landing"
    landing.mkdir()
    receiver = Receiver()
    with receiver.up(), small_disk(tmp_path / "home"):
        settings = Settings(
            home=tmp_path / "home",
            landing=str(landing),
            alert_urls=SecretStr(f"json://127.0.0.1:{receiver.port}/"),
        )
        read_models(settings, tmp_path_factory.getbasetemp())
        clock.pin(settings, AS_OF)
        sender = Sender(Path(quiet.landing), landing)
        machine = Machine(settings, tmp_path / "dev.log")
        sender.start()
        told = []
        try:
            begun = time.monotonic()
            for fault, pause in faults():
                if sender.is_done and told:
                    break
                time.sleep(pause)
                if done := fault(machine):
                    told.append(f"{time.monotonic() - begun:.0f} s: {done}")
                    print(told[-1], flush=True)
            if sender.error:
                raise sender.error
            deadline = time.monotonic() + PATIENCE
            while left := work_left(settings):
                assert time.monotonic() < deadline, f"Nobody does the work that is left: {left}\n{told}"
                time.sleep(1)
            wait_until_nothing_is_wrong(settings)
        finally:
            machine.off()
            report(machine, told, tmp_path)

        assert_marts_are_those_of_a_quiet_day(settings, quiet)
        assert_each_incident_is_told_once_and_recorded(settings, receiver, sender)
        assert_nothing_grows(machine)
