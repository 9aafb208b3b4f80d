"""Ctrl-C, SIGTERM and a closed terminal: print one sentence and end the process.

Belongs here: receiving the signal at any moment, ending, the sentence. Does not: which sentence is true at a
moment (the code that makes it true sets it); undoing anything: an interruption is a kill, and every step
survives a kill.

Few imports, because it listens before the rest of the program is imported. It listens in a thread, because
the main one may run a query that takes minutes, or a library with its own handlers.
"""

import os
import signal
import sys
import threading
from collections.abc import Callable
from contextlib import suppress
from typing import NoReturn

NOTHING_PUBLISHED = "interrupted; nothing was published; the next run carries on."

_sentence = NOTHING_PUBLISHED if sys.argv[1:2] == ["run"] else "interrupted."
_before_the_end: Callable[[], None] | None = None


def listen() -> None:
    """Listen for signals from now on. The exit code is the shell's: 128 plus the signal's number."""
    heard, told = os.pipe()
    os.set_blocking(told, False)
    threading.Thread(target=_wait, args=(heard,), daemon=True).start()
    signal.set_wakeup_fd(told, warn_on_full_buffer=False)
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        # A script's shell ignores SIGINT for programs that it starts with `&`, and Dagster makes SIGTERM
        # behave like SIGINT: without this, both would be ignored. SIGHUP stays ignored under `nohup`.
        if number != signal.SIGHUP or signal.getsignal(number) != signal.SIG_IGN:
            signal.signal(number, _leave_to_the_thread)


def if_interrupted(sentence: str) -> None:
    """Set the sentence that an interruption prints from now on."""
    global _sentence
    _sentence = sentence


def before_the_end(do: Callable[[], None]) -> None:
    """Set what to do before an interruption ends this process. It must not take long."""
    global _before_the_end
    _before_the_end = do


def _leave_to_the_thread(*_: object) -> None:
    """Python passes a signal to the wakeup descriptor only if the signal has a handler, whatever it does."""


def _wait(heard: int) -> None:
    while True:
        for number in os.read(heard, 16):
            if number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
                _end(number)


def _end(number: int) -> NoReturn:
    if _before_the_end:
        with suppress(Exception):
            _before_the_end()
    # A spinner hides the cursor and leaves half a line.
    prefix = b"\r\x1b[2K\x1b[?25h" if os.isatty(2) else b""
    with suppress(OSError):
        sys.stdout.flush()
    with suppress(OSError):
        os.write(2, prefix + f"goalpost: {_sentence}\n".encode())
    os._exit(128 + number)
