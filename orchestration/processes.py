"""Processes that work for a run, and end with it.

Belongs here: that they do. Does not: what they do (dbt_process.py, checks/process.py).
"""

import os
import signal
import threading
import time

PARENT = "GOALPOST_PARENT"


def with_parent() -> dict[str, str]:
    """The environment of a process that ends with this one: see `end_with_parent`."""
    return {PARENT: str(os.getpid())}


def end_with_parent() -> None:
    """A process that works for a run does not notice that nobody reads it any more: after a kill -9 of the
    run it would go on, and write in the middle of the next one. It may be gone already. Ctrl-C on a terminal
    goes to both: what follows from it is the parent's to say."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    parent = int(os.environ.get(PARENT, os.getppid()))

    def watch() -> None:
        while os.getppid() == parent:
            time.sleep(0.2)
        os.kill(os.getpid(), signal.SIGKILL)

    threading.Thread(target=watch, daemon=True).start()
