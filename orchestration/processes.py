"""Processes that work for a run, and end with it.

Belongs here: how they end, and variables for what runs in this process instead. Does not: what they do
(dbt_process.py, checks/process.py).
"""

import os
import signal
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager

PARENT = "GOALPOST_PARENT"


def with_parent() -> dict[str, str]:
    """The environment of a process that ends with this one: see `end_with_parent`."""
    return {PARENT: str(os.getpid())}


def end_with_parent() -> None:
    """End this process when its parent, the run, ends. It would not notice a kill -9 of the run, would go on,
    and would write during the next run. The parent may already be gone. Ctrl-C on a terminal reaches both
    processes; only the parent reacts to it."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    parent = int(os.environ.get(PARENT, os.getppid()))

    def watch() -> None:
        while os.getppid() == parent:
            time.sleep(0.2)
        os.kill(os.getpid(), signal.SIGKILL)

    threading.Thread(target=watch, daemon=True).start()


@contextmanager
def changed_environment(variables: Mapping[str, str]) -> Iterator[None]:
    """Set these variables of this process; afterwards they are as they were."""
    before = {name: os.environ.get(name) for name in variables}
    os.environ.update(variables)
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                del os.environ[name]
            else:
                os.environ[name] = value
