"""`goalpost serve`: the code server, the daemon or the web UI of Dagster alone, for an installation that runs
each in a container of its own.

Belongs here: starting one, and ending it. Does not: starting it again (the container engine does), or all
three on one machine (dev.py).

They share the home, for its locks and the output of runs, and Dagster's history in PostgreSQL: processes of
several containers cannot share SQLite files safely.
"""

import os
import subprocess
import sys
import threading
from contextlib import nullcontext
from pathlib import Path

from orchestration import interruption
from orchestration.errors import GoalpostError
from orchestration.locks import ends_in_order, held
from orchestration.modes import create_home
from orchestration.settings import PROJECT_ROOT, Settings

SECONDS_TO_END = 5
WORKSPACE = ("--workspace", PROJECT_ROOT / "deploy" / "workspace.yaml")
PARTS = {
    "code": ("dagster", "api", "grpc", "-m", "orchestration.definitions", "-h", "0.0.0.0"),
    "daemon": ("dagster-daemon", "run", *WORKSPACE),
    "web": ("dagster-webserver", *WORKSPACE, "-h", "0.0.0.0"),
}
PORTS = {"code": 4000, "web": 3000}


def serve(settings: Settings, part: str, port: int | None) -> None:
    """Run the part until interrupted. Raises GoalpostError if it cannot start, or ends by itself; Held if a
    daemon runs on this home already."""
    from orchestration.dagster_instance import open_instance

    if settings.dagster_postgres_url is None:
        raise GoalpostError("Set GOALPOST_DAGSTER_POSTGRES_URL: the parts share Dagster's history there.")
    create_home(settings)
    with open_instance(settings):  # it writes dagster.yaml, and creates the tables
        pass
    # `goalpost alerts` learns from this lock whether the daemon lives.
    refusal = f"A daemon runs on {settings.home} already: {{}}."
    with held(settings.dev_lock, refusal) if part == "daemon" else nullcontext():
        program, *arguments = PARTS[part]
        if part in PORTS:
            arguments += ["-p", str(port or PORTS[part])]
        process = subprocess.Popen(
            [Path(sys.executable).with_name(program), *arguments],
            env=os.environ | {"DAGSTER_HOME": str(settings.dagster_home)},
        )
        is_ending = threading.Event()

        def end() -> None:
            is_ending.set()
            process.terminate()
            try:
                process.wait(SECONDS_TO_END)
            except subprocess.TimeoutExpired:
                process.kill()
            if part == "daemon":
                ends_in_order(settings.dev_lock)

        interruption.if_interrupted("stopped. A run that was not done yet is carried on by the next one.")
        interruption.before_the_end(end)
        code = process.wait()
        if is_ending.is_set():
            threading.Event().wait()  # the other thread ends the process
    raise GoalpostError(f"Dagster ended by itself (exit code {code}): its output above says why.")
