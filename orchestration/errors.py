"""The one error a user can cause.

Belongs here: its class. Does not: printing it (cli.py).
"""


class GoalpostError(Exception):
    """One clear sentence: the thing, what is wrong with it, what to do. It is shown without a traceback."""
