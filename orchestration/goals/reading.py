"""Whether the JSON text of a filter or a definition is valid, and what it means: judges what landed.

Belongs here: JSON text -> Reading, as a pure function. Does not: the rules themselves (goal.schema.json), how
they are applied and worded (shape.py), YAML (yaml_files.py).
"""

import json
import re
from dataclasses import dataclass
from hashlib import md5
from math import isfinite
from typing import Any, NoReturn

from orchestration.goals.limits import LONG_TEXT, MAX_LENGTH, TOO_DEEP
from orchestration.goals.shape import Judgement, dotted, judge

CORE = ("eligibility", "target", "evaluation_window", "measurement_window_days")


@dataclass(frozen=True)
class Reading:
    """Either a reason code and its problem, or a normal form; for a definition, also the hash of its core."""

    reason_code: str | None
    problem: str | None
    normal_form: str | None
    core_hash: str | None
    unknown_keys: tuple[str, ...]


def read_filter(text: str) -> Reading:
    """Read a filter on people: a segment's, or a source's trigger filter. The Reading says what is wrong."""
    return _read(text, "profile_filter")


def read_definition(text: str) -> Reading:
    """Read a goal's definition. The Reading says what is wrong with it."""
    return _read(text, "definition")


def _read(text: str, kind: str) -> Reading:
    code = "bad_definition" if kind == "definition" else "bad_filter"
    if len(text) > MAX_LENGTH:
        return Reading(code, LONG_TEXT, None, None, ())
    try:
        judgement = judge(parse_json(text), kind)
    except ValueError as error:
        return Reading("bad_json", f"not JSON: {error}", None, None, ())
    except RecursionError:  # the parser's; `judge` says the same of what the parser can still read
        return Reading("bad_filter", TOO_DEEP, None, None, ())
    return _accepted(judgement, kind) if not judgement.problems else _refused(judgement)


def _accepted(judgement: Judgement, kind: str) -> Reading:
    completed, core_hash = judgement.completed, None
    if kind == "definition":
        completed["target"] = _without_what_means_nothing(completed["target"])
        core = {key: completed[key] for key in CORE if key in completed}
        core_hash = md5(compact(core).encode()).hexdigest()
    return Reading(None, None, compact(completed), core_hash, _unknown(judgement))


def _without_what_means_nothing(target: dict[str, Any]) -> dict[str, Any]:
    """The target without a transition that has no profile part, and without an empty trigger_match: neither
    changes the core."""
    parts = dict(target)
    if "profile" not in parts:
        del parts["transition"]
    if not parts.get("trigger_match"):
        parts.pop("trigger_match", None)
    return parts


def _refused(judgement: Judgement) -> Reading:
    in_filters = [problem for problem in judgement.problems if problem.in_filter]
    first = (in_filters or judgement.problems)[0]
    code = "bad_filter" if in_filters else "bad_definition"
    return Reading(code, str(first), None, None, _unknown(judgement))


def _unknown(judgement: Judgement) -> tuple[str, ...]:
    return tuple(dotted(unknown.place) for unknown in judgement.unknown_keys)


# --- JSON


class NotFinite:
    """A number that does not fit a 64-bit float. The schema has no such type, so it is refused everywhere."""

    def __init__(self, literal: str) -> None:
        self.literal = literal

    def __str__(self) -> str:
        return f"{self.literal[:20]} (not a finite 64-bit number)"


def whole_number(literal: str) -> int | float | NotFinite:
    return int(literal) if len(literal) <= 300 else decimal_number(literal)


def decimal_number(literal: str) -> float | NotFinite:
    number = float(literal)
    return number if isfinite(number) else NotFinite(literal)


def parse_json(text: str) -> Any:
    """Parse JSON strictly by RFC 8259. Of repeated keys, the first wins. Half of a surrogate pair, which can
    be written but not stored, becomes U+FFFD. Raises ValueError if the text is not JSON, RecursionError if it
    is too deep."""
    document = json.loads(
        text,
        object_pairs_hook=first_wins,
        parse_constant=no_constant,
        parse_float=decimal_number,
        parse_int=whole_number,
    )
    return document if is_storable(document) else _storable(document)


def is_storable(document: Any) -> bool:
    """Is the document free of halves of surrogate pairs?"""
    try:
        compact(document).encode()
    except UnicodeEncodeError:
        return False
    return True


def _storable(document: Any) -> Any:
    if isinstance(document, str):
        return re.sub("[\ud800-\udfff]", "\ufffd", document)
    if isinstance(document, list):
        return [_storable(item) for item in document]
    if isinstance(document, dict):
        return first_wins([(_storable(key), _storable(value)) for key, value in document.items()])
    return document


def compact(document: Any) -> str:
    """The document as text: equal documents have equal texts."""
    return json.dumps(document, sort_keys=True, separators=(",", ":"), ensure_ascii=False, default=str)


def first_wins(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    kept: dict[str, Any] = {}
    for key, value in pairs:
        kept.setdefault(key, value)
    return kept


def no_constant(constant: str) -> NoReturn:
    raise ValueError(f"{constant} is not a JSON value")
