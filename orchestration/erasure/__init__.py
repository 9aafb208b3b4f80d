"""Erasure: a person's rows stay and keep counting, and nothing says any more whose they are.

people.py: who. reads.py: which properties definitions read. alias.py: what stands in the place of a value.
names.py: the new names. rows.py: which rows are a person's. notes.py: what was noted about people. erase.py:
the order of all that, and that no file of the home keeps the old bytes. command.py: the command line.
"""

from orchestration.erasure.erase import carry_on as carry_on
