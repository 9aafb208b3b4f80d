"""`make superset`: Apache Superset on the published marts, at http://127.0.0.1:8088.

Belongs here: filling Superset's own database, starting the server. Does not: installing it (Makefile), what
it shows (goals.yaml).
"""

import os
import secrets
import subprocess

from dashboard.superset.bundle import write_bundle
from orchestration.dbt_process import manifest_path
from orchestration.settings import PROJECT_ROOT, Settings

FOLDER = PROJECT_ROOT / ".superset"  # the environment, and Superset's state in it
HOME = FOLDER / "home"
CODE = PROJECT_ROOT / "dashboard" / "superset"


def main() -> None:
    os.umask(0o077)
    HOME.mkdir(exist_ok=True)
    settings = Settings()
    write_bundle(HOME / "goals.zip", settings.published, manifest_path(settings))
    os.environ |= {
        "SUPERSET_HOME": str(HOME),
        "SUPERSET_CONFIG_PATH": str(CODE / "superset_config.py"),
        "FLASK_APP": "superset.app:create_app()",  # for the commands
    }
    password = HOME / "password"
    _run("superset", "db", "upgrade")
    if not password.exists():
        chosen = secrets.token_urlsafe(9)
        person = ("--firstname", "Goalpost", "--lastname", "Admin", "--email", "admin@localhost")
        _run("superset", "fab", "create-admin", "--username", "admin", "--password", chosen, *person)
        _run("superset", "init")
        password.write_text(chosen)
    _run("python", str(CODE / "import_bundle.py"), str(HOME / "goals.zip"))
    page = "http://127.0.0.1:8088/superset/dashboard/goals/"
    print(f"Superset: {page} (user admin, password {password.read_text()})", flush=True)
    server = FOLDER / "bin" / "gunicorn"
    options = ("--bind", "127.0.0.1:8088", "--threads", "8", "--timeout", "120", "--log-level", "warning")
    os.execv(server, [server, *options, "superset.app:create_app()"])


def _run(program: str, *arguments: str) -> None:
    """A program of Superset's environment. Its messages go to a file."""
    with (HOME / "setup.log").open("a") as log:
        ended = subprocess.run([FOLDER / "bin" / program, *arguments], stdout=log, stderr=log)
    if ended.returncode:
        raise SystemExit(f"`{program} {arguments[0]}` failed: {log.name} says why.")


main()
