"""`goalpost dashboard`: the published marts as pages, in the browser.

Belongs here: starting Streamlit on them. Does not: the pages (dashboard/).
"""

import os
import sys
from importlib.util import find_spec

from orchestration.errors import GoalpostError
from orchestration.settings import PROJECT_ROOT, Settings

APP = PROJECT_ROOT / "dashboard" / "app.py"


def dashboard(settings: Settings, *, address: str, port: int) -> None:
    """Streamlit takes the place of this process, so that Ctrl-C and signals are its own.

    Raises GoalpostError if Streamlit is not installed."""
    if find_spec("streamlit") is None:
        raise GoalpostError(
            "The dashboard needs Streamlit: install it with `uv pip install 'goalpost[dashboard]'`."
        )
    options = {
        "server.address": address,
        "server.port": port,
        "server.headless": "true",
        "server.fileWatcherType": "none",
        "browser.gatherUsageStats": "false",
        "client.toolbarMode": "viewer",
        "theme.primaryColor": "#2f6f6b",
    }
    arguments = [f"--{name}={value}" for name, value in options.items()]
    os.environ["GOALPOST_HOME"] = str(settings.home)
    os.execv(sys.executable, [sys.executable, "-m", "streamlit", "run", str(APP), *arguments])
