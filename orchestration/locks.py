"""Locks: a process holds one, and writes its name into the file.

Belongs here: holding a lock, and finding who holds it. Does not: what is locked (warehouse.py, dev.py).
"""

import fcntl
import os
import re
import shlex
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path

from filelock import FileLock, Timeout

from orchestration.errors import GoalpostError

# Longer than a process needs to read who holds the lock, shorter than any process holds it for its work.
PATIENCE_SECONDS = 1.0


class Held(GoalpostError):
    """Another process holds the lock."""


@contextmanager
def held(path: Path, refusal: str) -> Iterator[None]:
    """Hold the lock, which ends with its process. Inside a block that already holds it, does nothing.

    Raises Held if another process has it: the text is the refusal, with the holder in place of {}, for
    example "process 12 (goalpost run), since 05:00".
    """
    lock = FileLock(path, is_singleton=True, thread_local=False)
    if lock.is_locked:
        yield
        return
    try:
        lock.acquire(timeout=PATIENCE_SECONDS, poll_interval=0.05)
    except Timeout:
        raise Held(refusal.format(_holder(path))) from None
    try:
        _write(path, _myself())
        yield
    finally:
        _write(path, "")
        lock.release()


def holder(path: Path) -> str | None:
    """The process that holds the lock now; None if there is none. It writes nothing, so it also works on a
    read-only disk.

    Raises OSError if the file exists and cannot be read.
    """
    try:
        with path.open("rb") as lock:
            fcntl.flock(lock, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except FileNotFoundError:
        return None
    except BlockingIOError:
        return _holder(path)
    return None


def _myself() -> str:
    program = Path(sys.argv[0])
    if program.name == "goalpost" or program.parent == Path(__file__).parent:
        # `forget` names people: the file must not.
        arguments = sys.argv[1:2] if sys.argv[1:2] == ["forget"] else sys.argv[1:]
        command = shlex.join(["goalpost", *arguments])
    else:
        command = "a run that Dagster started" if program.parent.name == "dagster" else program.name
    return f"process {os.getpid()} ({command}), since {datetime.now(UTC):%Y-%m-%d %H:%M:%S} UTC"


def _write(path: Path, text: str) -> None:
    with suppress(OSError):  # on a full disk, the lock is held without a name
        path.write_text(text, encoding="utf-8")


def _holder(path: Path) -> str:
    """The name of the holder. It writes its name a moment after it has the lock: until then the file is
    empty, or has the name of a killed process."""
    deadline = time.monotonic() + PATIENCE_SECONDS
    while True:
        name = path.read_text(encoding="utf-8", errors="replace").strip()
        if _is_alive(name) or time.monotonic() > deadline:
            return name or "another process"
        time.sleep(0.02)


def _is_alive(name: str) -> bool:
    found = re.match(r"process (\d+) ", name)
    if not found:
        return False
    try:
        os.kill(int(found[1]), 0)
    except PermissionError:
        return True
    except OSError:
        return False
    return True
