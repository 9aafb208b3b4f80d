"""Ctrl-C, SIGTERM and a closed terminal, at any moment: one sentence, and no process stays.

`make test` tries a few moments; the long mode many: GOALPOST_BATCHES=20 make test
"""

import os
import random
import signal
import subprocess
import time
from pathlib import Path

import pytest
from homes import copy_home, first_home, processes, start

from orchestration.settings import Settings

MOMENTS = 10 * int(os.environ["GOALPOST_BATCHES"]) if "GOALPOST_BATCHES" in os.environ else 3
SECONDS = 12  # about as long as a run takes
CODES = {signal.SIGINT: 130, signal.SIGTERM: 143, signal.SIGHUP: 129}
# Which sentence is true depends on the moment; it never says anything else.
SENTENCES = [
    "goalpost: interrupted; nothing was published; the next run carries on.\n",
    "goalpost: interrupted while publishing: part of the published files may be new; "
    "the next run carries on.\n",
    "goalpost: interrupted; the run had published everything before that.\n",
]


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Settings:
    return first_home(tmp_path_factory.mktemp("interruption"))


@pytest.fixture
def settings(whole: Settings, tmp_path: Path) -> Settings:
    settings = Settings(home=tmp_path / "home", landing=whole.landing)
    copy_home(whole, settings)
    return settings


def children(pid: int) -> set[int]:
    return {child for child, parent in processes().items() if parent == pid}


def interrupt(running: subprocess.Popen[str], *numbers: int) -> tuple[str, str]:
    """Its output; the processes that it had started are gone two seconds later."""
    started = children(running.pid)
    for number in numbers:
        running.send_signal(number)
    output, errors = running.communicate(timeout=2)
    deadline = time.monotonic() + 2
    while started & processes().keys() and time.monotonic() < deadline:
        time.sleep(0.05)
    assert not started & processes().keys()
    return output, errors


def is_listening(running: subprocess.Popen[str]) -> bool:
    """Python needs some hundredths of a second before it runs our first line."""
    status = Path(f"/proc/{running.pid}/status")
    if not status.exists():
        time.sleep(0.5)
        return True
    caught = next(line.split()[1] for line in status.read_text().splitlines() if line.startswith("SigCgt"))
    return bool(int(caught, 16) & 1 << signal.SIGTERM - 1)


@pytest.mark.parametrize("number", CODES)
def test_from_the_first_moment_on_a_run_can_be_interrupted(number: int, settings: Settings):
    running = start(settings, "run", "--as-of", "2026-02-02")
    while not is_listening(running):
        time.sleep(0.001)
    output, errors = interrupt(running, number)
    assert (running.returncode, output, errors) == (CODES[number], "", SENTENCES[0])


@pytest.mark.parametrize("command", ["run", "status"])
def test_who_interrupts_twice_hears_it_once(command: str, settings: Settings):
    running = start(settings, command)
    while not is_listening(running):
        time.sleep(0.001)
    _, errors = interrupt(running, signal.SIGINT, signal.SIGTERM, signal.SIGINT)
    assert running.returncode in (130, 143)
    assert errors == (SENTENCES[0] if command == "run" else "goalpost: interrupted.\n")


def test_a_run_that_a_script_started_in_the_background_can_be_interrupted(settings: Settings):
    """There SIGINT is ignored, and Dagster makes SIGTERM follow it."""
    log = settings.logs / "run.log"
    log.unlink()
    running = start(
        settings,
        "run",
        "--as-of",
        "2026-02-02",
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_IGN),
    )
    while not log.exists() or "OK created" not in log.read_text():
        assert running.poll() is None
        time.sleep(0.01)
    _, errors = interrupt(running, signal.SIGTERM)
    assert (running.returncode, errors) == (143, SENTENCES[0])


@pytest.mark.long
def test_at_random_moments_it_says_what_is_true_and_the_next_run_carries_on(settings: Settings):
    seed = random.randrange(10**6) if "GOALPOST_BATCHES" in os.environ else 7
    chosen = random.Random(seed)
    for attempt in range(MOMENTS):
        before = settings.published.stat().st_mtime_ns
        running = start(settings, "run", "--as-of", f"2026-03-01T00:{attempt // 60:02}:{attempt % 60:02}")
        number, moment = chosen.choice(list(CODES)), chosen.uniform(0.3, SECONDS)
        told = f"seed {seed}, attempt {attempt}: signal {number} after {moment:.3f} s"
        try:
            output, errors = running.communicate(timeout=moment)
        except subprocess.TimeoutExpired:
            output, errors = interrupt(running, number)
            assert (running.returncode, errors in SENTENCES) == (CODES[number], True), (told, errors)
            is_published = settings.published.stat().st_mtime_ns != before
            assert (errors == SENTENCES[0]) <= (not is_published), told
            continue
        assert running.returncode == 0, (told, errors)
    last = start(settings, "run", "--as-of", "2026-02-01")
    output, errors = last.communicate(timeout=600)
    assert (last.returncode, errors) == (0, ""), output
