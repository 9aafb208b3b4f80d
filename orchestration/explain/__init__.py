"""Explains one person's history with one goal, in time order, with the check that decided each step.

Belongs here: reading the history (reading.py, sql/), its data (history.py), its words (words.py), the command
(command.py). Does not: any rule. What happened and why are columns of the marts and intermediate tables.
"""

from orchestration.explain.command import explain_command, render
from orchestration.explain.history import Explanation
from orchestration.explain.reading import explain

__all__ = ["Explanation", "explain", "explain_command", "render"]
