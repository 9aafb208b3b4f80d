"""Ctrl-C, SIGTERM and a closed terminal: one sentence, and the process is gone.

Belongs here: hearing the signal at any moment, ending, the sentence. Does not: what is true at a moment (who
makes it true says so); undoing anything: to be interrupted is to be killed, which every step bears.

Few imports: it listens before the rest of the program is imported. And in a thread: what runs in the main one
may be a query that takes minutes, or a library with handlers of its own.
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
    """From now on. The exit code is the shell's: 128 and the signal's number."""
    heard, told = os.pipe()
    os.set_blocking(told, False)
    threading.Thread(target=_wait, args=(heard,), daemon=True).start()
    signal.set_wakeup_fd(told, warn_on_full_buffer=False)
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        # A script's shell ignores SIGINT for what it starts with `&`, and Dagster makes SIGTERM follow it:
        # deaf to both. Who writes `nohup` means it.
        if number != signal.SIGHUP or signal.getsignal(number) != signal.SIG_IGN:
            signal.signal(number, _leave_to_the_thread)


def if_interrupted(sentence: str) -> None:
    """What would be true from now on."""
    global _sentence
    _sentence = sentence


def before_the_end(do: Callable[[], None]) -> None:
    """What must be ended along with this process. It must not take long."""
    global _before_the_end
    _before_the_end = do


def _leave_to_the_thread(*_: object) -> None:
    """Python passes a signal on to the wakeup descriptor only if it has a handler, whatever that does."""


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
