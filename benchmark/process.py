"""A command in a process of its own: with its CPU, wall time and peak memory, or for as long as it is needed.

Belongs here: that, and nothing about what runs in it.
"""

import json
import os
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

# A process begins with the peak memory of the one that starts it, as systems count: that has to be small.
SMALL_PARENT = """
import json, os, subprocess, sys, time
began = time.perf_counter()
process = subprocess.Popen(sys.argv[2:])
_, status, usage = os.wait4(process.pid, 0)
unit = 1 if sys.platform == "darwin" else 1024
figures = {
    "cpu": usage.ru_utime + usage.ru_stime,
    "wall": time.perf_counter() - began,
    "peak_bytes": usage.ru_maxrss * unit,
}
with open(sys.argv[1], "w") as file:
    json.dump(figures, file)
sys.exit(os.waitstatus_to_exitcode(status))
"""


@dataclass(frozen=True)
class Finished:
    """`cpu`: user and system, of all threads, and of all processes that it started and waited for."""

    cpu: float
    wall: float
    peak_bytes: int
    output: str


def run(
    command: Sequence[str], environment: Mapping[str, str] | None = None, folder: Path | None = None
) -> Finished:
    with tempfile.NamedTemporaryFile() as figures:
        finished = subprocess.run(
            [sys.executable, "-S", "-c", SMALL_PARENT, figures.name, *command],
            env=os.environ | (environment or {}),
            cwd=folder,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        if finished.returncode:
            raise RuntimeError(f"{' '.join(command)} failed:\n{finished.stdout}")
        return Finished(output=finished.stdout, **json.load(figures))


@contextmanager
def running(command: Sequence[str], environment: Mapping[str, str]) -> Iterator[None]:
    """It and all that it starts end with the block."""
    started = subprocess.Popen(
        command,
        env=os.environ | environment,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    try:
        yield
    finally:
        os.killpg(started.pid, signal.SIGKILL)
        started.wait()
