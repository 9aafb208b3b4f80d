"""How large one definition, and all definitions together, may be, so that none can stop the pipeline.

Belongs here: the limits, each with its reason, and measuring a document before any other code reads it.
Does not: what a definition may say (goal.schema.json), how a refusal is worded and placed (shape.py).

The limits are far beyond what people write; they bound the work of a run. They are the same for landed rows
and for YAML files.
"""

from collections.abc import Iterator
from typing import Any

Place = tuple[str | int, ...]

# Characters of a definition or a filter as JSON text: a list of MAX_ITEMS long values fits. A longer text is
# not parsed.
MAX_LENGTH = 5_000_000

# Items of one list (for example the values of an `in`). A model writes them into its SQL: 10,000 take a
# second.
MAX_ITEMS = 10_000

# Values of one document, or of one YAML file with its aliases (*) written out: 555 bytes of aliases can mean
# millions.
MAX_NODES = 50_000

# Objects of one definition or filter: three times as many as MAX_CONDITIONS need. Judging a thousand takes a
# third of a second, and a sender may land many rows.
MAX_OBJECTS = 3_000

# JSON levels of a document (an `all` in an `all` is two). A deeper document overflows the stack of a parser.
MAX_DEPTH = 500

# Conditions of one filter with its segments written out, and how deep `all`, `any` and `not` are nested in it
# then. Its SQL is as long and as deep: DuckDB stops at 1,000 levels, and evaluates 1,000 conditions for a
# million rows in about ten seconds.
MAX_CONDITIONS = 1_000
MAX_NESTING = 100

# A list of values is looked up by hash, so it costs little more than its text: this many count as one
# condition.
VALUES_A_CONDITION = 50

# Conditions of all filters of all workspaces together, equal filters counted once: 2,000 goals with five
# each. DuckDB searches for equal parts, in quadratic time: six seconds for 10,000 constructed ones.
MAX_CONDITIONS_IN_ALL = 10_000

# What is wrong, as it follows a place or `the file has`.
LONG_TEXT = f"longer than {MAX_LENGTH:,} characters; split it, or land long lists as a property or a segment"
LONG_LIST = f"more than {MAX_ITEMS:,} items; shorten the list"
LONG_VALUES = f"more than {MAX_ITEMS:,} values: land them as a property or a segment"
TOO_MANY_OBJECTS = (
    f"more than {MAX_OBJECTS:,} conditions and other objects; use `in` with a list, or split it"
)
TOO_MANY = f"more than {MAX_NODES:,} values; split it"
TOO_DEEP = f"nested more than {MAX_DEPTH} levels deep; flatten it"
TOO_MANY_IN_ALL = (
    f"on top of {MAX_CONDITIONS_IN_ALL:,} conditions of older filters, the most that all together may have: "
    "delete goals and segments that nobody needs"
)


def excesses(document: Any) -> Iterator[tuple[Place, str]]:
    """The places of a definition or a filter that exceed a limit, and what is wrong there. No recursion, and
    at most MAX_NODES steps."""
    pending: list[tuple[Any, Place]] = [(document, ())]
    nodes = objects = 0
    while pending:
        part, place = pending.pop()
        nodes += 1
        if nodes > MAX_NODES:
            yield (), TOO_MANY
            return
        if len(place) > MAX_DEPTH:
            yield (), TOO_DEEP
            return
        objects += isinstance(part, dict)
        if objects > MAX_OBJECTS:
            yield (), TOO_MANY_OBJECTS
            return
        if isinstance(part, dict):
            pending += [(inner, (*place, key)) for key, inner in part.items()]
        elif isinstance(part, list):
            if len(part) > MAX_ITEMS:
                yield place, LONG_VALUES if place and place[-1] == "value" else LONG_LIST
            elif part:
                pending += [(inner, (*place, index)) for index, inner in enumerate(part)]
