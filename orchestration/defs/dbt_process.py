"""The process that dbt runs in: dbt, but it ends with the run that started it.

Belongs here: that. Does not: anything else; it is run as `python -m orchestration.defs.dbt_process`.

dbt does not notice that nobody reads it any more: after a kill -9 of the run it would go on building models,
in the middle of which the next run would write.
"""

import os
import signal
import threading
import time

CHECK_SECONDS = 0.2


def end_with_parent() -> None:
    parent = os.getppid()

    def watch() -> None:
        while os.getppid() == parent:
            time.sleep(CHECK_SECONDS)
        os.kill(os.getpid(), signal.SIGKILL)

    threading.Thread(target=watch, daemon=True).start()


if __name__ == "__main__":
    end_with_parent()
    from dbt.cli.main import cli

    cli(prog_name="dbt")
