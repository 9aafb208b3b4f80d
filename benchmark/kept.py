"""What was measured, in a file beside each world: every measure with its code and its machine.

Belongs here: that file. Does not: measuring (measure.py), judging (report.py).
"""

import json
import os
import platform
import subprocess
from dataclasses import asdict
from importlib.metadata import version
from pathlib import Path

from benchmark.world import World
from orchestration.settings import PROJECT_ROOT

RESULTS = "results.json"
# What a figure depends on. The pages are not: the benchmark writes one.
CODE = ("benchmark", "dbt_project", "orchestration", "seeds/rules", "expectations", "requirements.lock")
CHANGED = " and changes"


def keep(folder: Path, world: World, measure: str, result: dict, seconds: float) -> None:
    """`seconds`: of wall time that the measure took."""
    found = read(folder) if (folder / RESULTS).exists() else {}
    if found.get("world") != asdict(world):
        found = {"world": asdict(world), "measures": {}}
    found["measures"][measure] = {
        "commit": commit(),
        "machine": machine(),
        "seconds": seconds,
        "result": result,
    }
    unfinished = folder / f"{RESULTS}.unfinished"
    unfinished.write_text(json.dumps(found, indent=1), "utf-8")
    unfinished.replace(folder / RESULTS)


def read(folder: Path) -> dict:
    return json.loads((folder / RESULTS).read_text("utf-8"))


def read_all(home: Path) -> dict[str, dict]:
    """By the name of the world, the smaller before the larger."""
    worlds = {path.parent.name: read(path.parent) for path in home.glob(f"*/{RESULTS}")}
    return dict(sorted(worlds.items(), key=lambda each: (each[1]["world"]["deliveries"], each[0])))


def is_current(folder: Path, world: World, measure: str) -> bool:
    """Measured in this world, with the code as it is committed."""
    if not (folder / RESULTS).exists():
        return False
    found, now = read(folder), commit()
    measured = found["measures"].get(measure, {})
    return found["world"] == asdict(world) and measured.get("commit") == now and not now.endswith(CHANGED)


def commit() -> str:
    """The last one that changed the code, and whether it was changed since."""
    found = _git("log", "-1", "--format=%h", "--abbrev=10", "--", *CODE)
    changed = _git("status", "--porcelain", "--", *CODE)
    return f"{found or 'unknown'}{CHANGED if changed or not found else ''}"


def _git(*arguments: str) -> str:
    try:
        found = subprocess.run(["git", *arguments], cwd=PROJECT_ROOT, capture_output=True, text=True)
    except FileNotFoundError:
        return ""
    return found.stdout.strip() if found.returncode == 0 else ""


def machine() -> str:
    cores, memory = os.cpu_count(), os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    tools = ", ".join(f"{tool} {version(tool)}" for tool in ("duckdb", "polars", "pandas"))
    described = f"{_processor()}, {cores} cores, {memory:.0f} GB of memory, {_system()}"
    return f"{described}; Python {platform.python_version()}, {tools}"


def _processor() -> str:
    described = Path("/proc/cpuinfo")
    lines = described.read_text().splitlines() if described.exists() else []
    return next(
        (line.split(":")[1].strip() for line in lines if line.startswith("model name")), platform.machine()
    )


def _system() -> str:
    try:
        return platform.freedesktop_os_release()["PRETTY_NAME"]
    except OSError:
        return platform.platform()
