"""Homes that a real run filled, and the real `goalpost` on them: for tests that need real processes.

A run costs 15 seconds of a core, so all workers share the first one (`first_run`), and what dbt has read
(`read_models`): a quarter of the first run in a home.
"""

import json
import os
import shutil
import subprocess
import sys
from argparse import Namespace
from functools import cache
from pathlib import Path
from pprint import pformat

from dbt.config.runtime import load_profile
from dbt.contracts.files import FileHash
from dbt.flags import set_from_args
from dbt_common.context import set_invocation_context
from filelock import FileLock

from orchestration import dbt_process
from orchestration.processes import changed_environment
from orchestration.settings import DBT_PROJECT, Settings

GOALPOST = Path(sys.executable).with_name("goalpost")
DEMO_AS_OF = "2018-01-01T05:00:00Z"
GOAL = {
    "workspace_id": "w",
    "goal_id": "g",
    "updated_at": "2026-01-01",
    "definition": {
        "name": "Bought",
        "target": {"event": {"name": "purchase"}},
        "measurement_window_days": 7,
        "sources": ["c"],
    },
}
LANDED = {
    "goals/g.jsonl": str(GOAL).replace("'", '"') + "\n",
    "sources/s.csv": (
        "workspace_id,source_id,updated_at,source_type,status\nw,c,2026-01-01,broadcast,active\n"
    ),
    "deliveries/d.csv": (
        "workspace_id,delivery_id,profile_id,source_type,source_id,channel,sent_at\n"
        "w,d1,p,broadcast,c,email,2026-01-02\nw,d2,q,broadcast,c,email,2026-01-02\n"
    ),
    "events/e.csv": (
        "workspace_id,event_id,profile_id,name,occurred_at\n"
        "w,e1,p,purchase,2026-01-03\nw,e1,p,purchase,2026-01-03\nw,e2,q,purchase,soon\n"
    ),
    "events/broken.parquet": "no parquet",
}


def first_home(folder: Path) -> Settings:
    """After its first run: in the folder, which pytest made, a copy of the home and of its landing."""
    first, ended = first_run(folder.parent)
    assert ended.returncode == 0, ended.stdout + ended.stderr
    settings = Settings(home=folder / "home", landing=str(folder / "landing"))
    copy_home(first, settings)
    shutil.copytree(first.landing, settings.landing)
    return settings


def copy_home(one: Settings, other: Settings) -> None:
    """Without its landing."""
    shutil.copytree(one.home, other.home)
    _take_over_what_dbt_read(one, other)


@cache
def first_run(base: Path) -> tuple[Settings, subprocess.CompletedProcess[str]]:
    """A home, and how its first run ended. All workers share it: do not change it. `base`: where pytest makes
    all folders of this worker."""
    folder = _of_all_workers(base)
    settings = Settings(home=folder / "first-home", landing=str(folder / "first-landing"))
    told = folder / "first-run.json"
    with FileLock(folder / "first-run.lock"):
        if not told.exists():
            land(settings)
            ended = goalpost(settings, "run", "--as-of", "2026-02-01")
            told.write_text(json.dumps([ended.returncode, ended.stdout, ended.stderr]))
    return settings, subprocess.CompletedProcess("run", *json.loads(told.read_text()))


def read_models(settings: Settings, base: Path) -> Settings:
    """Gives a new home what dbt has read of the project: its first run need not read it."""
    read = Settings(home=_of_all_workers(base) / "models-read")
    with FileLock(f"{read.home}.lock"):
        dbt_process.prepare_manifest(read)  # once
    shutil.copytree(read.home / "dbt", settings.home / "dbt")
    _take_over_what_dbt_read(read, settings)
    return settings


def _of_all_workers(base: Path) -> Path:
    return base.parent if "PYTEST_XDIST_WORKER" in os.environ else base


def _take_over_what_dbt_read(one: Settings, other: Settings) -> None:
    """dbt reads everything again, for three seconds, where the path of the warehouse is another. No model
    depends on it."""
    state = dbt_process.target_folder(other) / "partial_parse.msgpack"
    state.write_bytes(state.read_bytes().replace(_connection_of(one), _connection_of(other)))


def _connection_of(settings: Settings) -> bytes:
    """By what dbt knows the warehouse again: as in its ManifestLoader.build_manifest_state_check."""
    with changed_environment(dbt_process.environment(settings)):
        set_invocation_context(os.environ)
        set_from_args(Namespace(PROFILES_DIR=str(DBT_PROJECT)), None)
        profile = load_profile(str(DBT_PROJECT), {})
    return FileHash.from_contents(pformat(sorted(profile.credentials.connection_info()))).checksum.encode()


def land(settings: Settings) -> None:
    """The small story of most real runs (LANDED)."""
    for path, content in LANDED.items():
        file = Path(settings.landing) / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(content)


@cache
def demo_home(base: Path) -> Settings:
    """After the demo's run. The files that one worker runs share it: do not change it."""
    settings = read_models(Settings(home=base / "demo-home"), base)
    for command in (["demo"], ["run", "--as-of", DEMO_AS_OF]):
        ended = goalpost(settings, *command)
        assert ended.returncode == 0, f"goalpost {' '.join(command)}\n{ended.stdout}\n{ended.stderr}"
    return settings


def install(package: str) -> None:
    """Try to install one of Debian's packages that a test needs; only root can. The test looks itself
    whether it is there now, and skips if not."""
    if shutil.which("apt-get") and os.geteuid() == 0:
        install = ["apt-get", "install", "-y", "-qq", package]
        environment = os.environ | {"DEBIAN_FRONTEND": "noninteractive"}
        if subprocess.run(install, capture_output=True, env=environment).returncode:
            subprocess.run(["apt-get", "update", "-qq"], capture_output=True)
            subprocess.run(install, capture_output=True, env=environment)


def start(settings: Settings, *arguments: str, **options) -> subprocess.Popen[str]:
    environment = {
        "GOALPOST_HOME": str(settings.home),
        "GOALPOST_LANDING": settings.landing,
        "COLUMNS": "200",
    }
    return subprocess.Popen(
        [GOALPOST, *arguments],
        env=os.environ | environment,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        **options,
    )


def goalpost(settings: Settings, *arguments: str, **options) -> subprocess.CompletedProcess[str]:
    running = start(settings, *arguments, **options)
    output, errors = running.communicate(timeout=600)
    assert "Traceback" not in output + errors
    return subprocess.CompletedProcess(arguments, running.returncode, output, errors)


def processes() -> dict[int, int]:
    """The processes that are alive, with their parents."""
    listed = subprocess.run(["ps", "-axo", "pid=,ppid=,stat="], capture_output=True, text=True, check=True)
    rows = [line.split() for line in listed.stdout.splitlines()]
    return {int(pid): int(parent) for pid, parent, state in rows if not state.startswith("Z")}
