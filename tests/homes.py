"""Homes that a real run filled, and the real `goalpost` on them: for tests that need real processes."""

import os
import shutil
import subprocess
import sys
from functools import cache
from pathlib import Path

from orchestration.settings import Settings

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
    shutil.copytree(first.home, settings.home)
    shutil.copytree(first.landing, settings.landing)
    return settings


@cache
def first_run(folder: Path) -> tuple[Settings, subprocess.CompletedProcess[str]]:
    """A home, and how its first run ended. The files that one worker runs share it: do not change it."""
    settings = Settings(home=folder / "first-home", landing=str(folder / "first-landing"))
    land(settings)
    return settings, goalpost(settings, "run", "--as-of", "2026-02-01")


def land(settings: Settings) -> None:
    """The small story of most real runs (LANDED)."""
    for path, content in LANDED.items():
        file = Path(settings.landing) / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(content)


@cache
def demo_home(folder: Path) -> Settings:
    """After the demo's run. The files that one worker runs share it: do not change it."""
    settings = Settings(home=folder / "demo-home")
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
