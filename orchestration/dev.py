"""`goalpost dev`: Dagster's web UI, daemon and code server, as long as this process lives.

Belongs here: starting them, ending them, allowing one `goalpost dev` per home. Does not: what Dagster runs
(defs/).

Dagster is several processes that do not notice when the first of them is killed, and a run may keep them
alive for minutes. So they are in a session of their own. A guard kills the whole session when its standard
input closes, which happens when this process ends in any way.
"""

import os
import signal
import socket
import subprocess
import sys
import threading
import time
from contextlib import suppress
from pathlib import Path

from orchestration import interruption
from orchestration.errors import GoalpostError
from orchestration.lineage import find_lineage
from orchestration.locks import Held, ends_in_order, held
from orchestration.modes import create_home
from orchestration.settings import PROJECT_ROOT, Settings
from orchestration.warehouse import single_writer

PORT = 3000
SECONDS_TO_END = 3
CODE_SERVER_IS_GONE = 75


def dev(settings: Settings) -> None:
    """Run Dagster until interrupted. Raises GoalpostError if it already runs, cannot start, or ends by
    itself."""
    create_home(settings)
    refusal = (
        f"`goalpost dev` runs on {settings.home} already: {{}}. "
        "Use that one, or stop it and try again; another home needs another GOALPOST_HOME."
    )
    with held(settings.dev_lock, refusal):
        port = _free_port()
        taken = "" if port == PORT else f" (port {PORT} is taken by another program)"
        print(f"The web UI starts on http://localhost:{port}{taken}; Ctrl-C ends it.", flush=True)
        while (code := _run_dagster(settings, port)) == CODE_SERVER_IS_GONE:
            print("Dagster's code server ended (out of memory?): everything starts again.", flush=True)
        raise GoalpostError(f"Dagster ended by itself (exit code {code}): its output above says why.")


def _free_port() -> int:
    for port in (PORT, 0):
        with socket.socket() as tried, suppress(OSError):
            tried.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            tried.bind(("127.0.0.1", port))
            return tried.getsockname()[1]
    raise GoalpostError("No port of this machine is free: end a program that uses one.")


def _run_dagster(settings: Settings, port: int) -> int:
    from orchestration.dagster_instance import forget_dead_runs, open_instance, renew_broken_history

    if done := renew_broken_history(settings, used_by=None):
        print(done, flush=True)
    with open_instance(settings) as instance, suppress(Held), single_writer(settings):
        forget_dead_runs(instance)
    if missing := find_lineage(settings):
        print(missing, flush=True)
    dagster = Path(sys.executable).with_name("dagster")
    workspace = PROJECT_ROOT / "workspace.yaml"
    guard = subprocess.Popen(
        [sys.executable, "-m", __name__, dagster, "dev", "--workspace", workspace, "--port", str(port)],
        stdin=subprocess.PIPE,
        start_new_session=True,
        env=os.environ
        | {
            "GOALPOST_HOME": str(settings.home),
            "GOALPOST_LANDING": settings.landing,
            "DAGSTER_HOME": str(settings.dagster_home),
        },
    )
    assert guard.stdin
    stdin, is_ending = guard.stdin, threading.Event()

    def end() -> None:
        is_ending.set()
        with suppress(OSError, subprocess.TimeoutExpired):
            stdin.write(b"end\n")
            stdin.flush()
            guard.wait(SECONDS_TO_END)
        _kill(guard.pid)
        ends_in_order(settings.dev_lock)

    interruption.if_interrupted("stopped. A run that was not done yet is carried on by the next one.")
    interruption.before_the_end(end)
    code = guard.wait()
    if is_ending.is_set():
        threading.Event().wait()  # the other thread ends the process
    _kill(guard.pid)
    return code


def _kill(session: int) -> None:
    with suppress(ProcessLookupError):
        os.killpg(session, signal.SIGKILL)


def _guard(command: list[str]) -> None:
    """Start Dagster and guard it. On a line of input, let Dagster end in its own way; when the input closes,
    kill the whole session, including this process."""
    # A script's shell ignores SIGINT for programs that it starts with `&`, and Dagster's processes inherit
    # that.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    dagster = subprocess.Popen(command, stdin=subprocess.DEVNULL)

    def watch() -> None:
        while sys.stdin.buffer.readline():
            dagster.terminate()
        os.killpg(0, signal.SIGKILL)

    threading.Thread(target=watch, daemon=True).start()
    threading.Thread(target=_watch_code_server, daemon=True).start()
    code = dagster.wait()
    os._exit(code if code >= 0 else 128 - code)


def _watch_code_server() -> None:
    """End this process when the code server is gone, which Dagster does not notice: without it no run starts,
    no sensor works, and Dagster waits forever."""
    was_there, missing = False, 0
    while missing < 2:  # Dagster replaces the server when it reloads the code
        time.sleep(5)
        is_there = _has_code_server()
        was_there, missing = was_there or is_there, 0 if is_there or not was_there else missing + 1
    os._exit(CODE_SERVER_IS_GONE)


def _has_code_server() -> bool:
    try:
        listed = subprocess.run(["ps", "-axo", "pgid=,args="], capture_output=True, text=True, check=True)
    except (OSError, subprocess.SubprocessError):
        return True  # not known
    return any(
        line.split(None, 1)[0] == str(os.getpgid(0)) and " api grpc " in line
        for line in listed.stdout.splitlines()
    )


if __name__ == "__main__":
    _guard(sys.argv[1:])
