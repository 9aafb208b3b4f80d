"""What the published marts say about the goals: the list of all goals, a page for each, and one for each
experiment.

Belongs here: reading the published file (reading.py), laying it out (layout.py), what a verdict says in words
(verdicts.py), the command (command.py).
Does not: computing a figure (each is a column of a mart); the warehouse, which a run may be writing.
"""

from orchestration.report.command import report_command, show_goals

__all__ = ["report_command", "show_goals"]
