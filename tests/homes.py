"""Homes that a real run filled, and the real `goalpost` on them: for tests that need real processes."""

import os
import shutil
import subprocess
import sys
from functools import cache
from pathlib import Path

from test_cli import LANDED

from orchestration.settings import Settings

GOALPOST = Path(sys.executable).with_name("goalpost")
DEMO_AS_OF = "2018-01-01T05:00:00Z"


def first_home(folder: Path) -> Settings:
    """After its first run."""
    settings = Settings(home=folder / "home", landing=str(folder / "landing"))
    for path, content in LANDED.items():
        file = Path(settings.landing) / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(content)
    ended = goalpost(settings, "run", "--as-of", "2026-02-01")
    assert ended.returncode == 0, ended.stdout + ended.stderr
    return settings


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
    environment = {"GOALPOST_HOME": str(settings.home), "GOALPOST_LANDING": settings.landing}
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
