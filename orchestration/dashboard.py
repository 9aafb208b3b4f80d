"""`goalpost dashboard`: the published marts as pages, in the browser.

Belongs here: starting Streamlit on them. Does not: the pages, and Streamlit's other settings (dashboard/).
"""

import os
import sys
from importlib.util import find_spec

from orchestration.errors import GoalpostError
from orchestration.settings import PROJECT_ROOT, Settings

APP = PROJECT_ROOT / "dashboard" / "app.py"


def dashboard(settings: Settings, *, host: str, port: int) -> None:
    """Streamlit takes the place of this process, so that Ctrl-C and signals are its own.

    Raises GoalpostError if Streamlit is not installed, or nothing is published."""
    if find_spec("streamlit") is None:
        raise GoalpostError(
            "The dashboard needs Streamlit, which is not installed: `make` installs it, or "
            "`pip install -e '.[dashboard]'` in this folder."
        )
    if not settings.published.exists():
        raise GoalpostError(
            f"Nothing is published yet: there is no {settings.published}. `goalpost run` computes and "
            "publishes the marts; GOALPOST_HOME names another home."
        )
    os.environ["GOALPOST_HOME"] = str(settings.home)
    os.execv(
        sys.executable,
        [
            *(sys.executable, "-m", "streamlit", "run", str(APP)),
            *("--server.address", host, "--server.port", str(port)),
        ],
    )
