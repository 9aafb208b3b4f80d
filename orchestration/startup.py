"""Starting and ending fast: what a short run would otherwise spend most of its time on.

Belongs here: how the big libraries are imported and left. Does not: when (whoever needs one imports it where
it does).
"""

import gc
import os
import signal
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from importlib import import_module
from types import ModuleType
from typing import NoReturn


def collect_rarely() -> None:
    """Importing makes hundreds of thousands of objects that stay: looking through them for garbage again and
    again takes a quarter of the time."""
    gc.set_threshold(100_000, 20, 100)


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


class _Later(ModuleType):
    def __getattr__(self, name: str) -> object:
        if name.startswith("__"):
            raise AttributeError(name)
        sys.modules.pop(self.__name__, None)
        return getattr(import_module(self.__name__), name)


def import_later(*names: str) -> None:
    """These modules are imported when something of them is first used, which may be never."""
    for name in names:
        if name not in sys.modules:
            sys.modules[name] = _Later(name)


@contextmanager
def hidden(name: str) -> Iterator[None]:
    """To who looks for this module meanwhile, it is not installed; unless it is imported already."""
    if name in sys.modules:
        yield
        return
    sys.modules[name] = None  # type: ignore[assignment]
    try:
        yield
    finally:
        del sys.modules[name]


def leave(code: int) -> NoReturn:
    """End the process without taking thousands of modules apart, a second's work. Files must be closed."""
    with suppress(OSError):
        sys.stdout.flush()
        sys.stderr.flush()
    os._exit(code)
