"""Starting and ending fast: what a short run would otherwise spend most of its time on.

Belongs here: how the big libraries are imported and left. Does not: when (whoever needs one imports it where
it does).
"""

import gc
import os
import sys
from contextlib import suppress
from importlib import import_module
from types import ModuleType
from typing import NoReturn


def collect_rarely() -> None:
    """Importing makes hundreds of thousands of objects that stay: looking through them for garbage again and
    again takes a quarter of the time."""
    gc.set_threshold(100_000, 20, 100)


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


def leave(code: int) -> NoReturn:
    """End the process without taking thousands of modules apart, which takes a second; its files are closed."""
    with suppress(OSError):
        sys.stdout.flush()
        sys.stderr.flush()
    os._exit(code)
