"""Section 3: filters. Which filters are valid, and when a filter is true.

Belongs here: the shape of a filter, each op, segments by their definitions in force. Does not: which state or
event a filter is applied to (facts.py).
"""

import operator
import re
from dataclasses import dataclass
from datetime import datetime

from .values import Number, as_number, as_time, scalar_text

ORDERINGS = {"gt": operator.gt, "gte": operator.ge, "lt": operator.lt, "lte": operator.le}
NEGATIONS = {"neq": "eq", "not_in": "in", "not_contains": "contains", "not_exists": "exists"}
OPS_OF_TWO_PROPERTIES = ("eq", "neq", *ORDERINGS)
ARRAY_INDEX = re.compile(r"0|[1-9][0-9]*")


class BadFilter(ValueError):
    """'Unknown op, absent or null `value`, a value of a type the op cannot take, two subjects in one
    condition, or `profile` outside an event filter: `bad_filter`'"""


# ---- reading -----------------------------------------------------------------------------------------------


def read_filter(value, in_event: bool = False) -> dict:
    """'A filter is JSON: `{"all": [filter…]}`, `{"any": [filter…]}`, `{"not": filter}`, `{"segment": "id"}`,
    or a condition'. Returns it without the keys it does not know."""
    if not isinstance(value, dict):
        raise BadFilter("a filter is a JSON object")
    kinds = [kind for kind in ("all", "any", "not", "segment", "property", "profile") if kind in value]
    if len(kinds) != 1:
        raise BadFilter("a filter is one combinator or has one subject")
    kind = kinds[0]
    inner = value[kind]
    if kind in ("all", "any"):
        if not isinstance(inner, list):
            raise BadFilter(f"{kind} takes a list of filters")
        return {kind: [read_filter(part, in_event) for part in inner]}
    if kind == "not":
        return {kind: read_filter(inner, in_event)}
    if not isinstance(inner, str):
        raise BadFilter(f"{kind} takes text")
    if kind == "segment":
        return {kind: inner}
    if kind == "profile" and not in_event:
        raise BadFilter("profile outside an event filter")
    return {kind: inner, "op": value.get("op"), **read_value(value.get("op"), value.get("value"), in_event)}


def read_value(op, value, in_event: bool) -> dict:
    """'`value` is a literal, or in an event filter `{"profile": "key"}` (… ops eq, neq, gt, gte, lt, lte)'"""
    if op in ("exists", "not_exists"):
        return {}
    if isinstance(value, dict):
        if not in_event or op not in OPS_OF_TWO_PROPERTIES or not isinstance(value.get("profile"), str):
            raise BadFilter("a comparison with a person attribute is not possible here")
        return {"value": {"profile": value["profile"]}}
    if not takes(op, value):
        raise BadFilter(f"{op} is unknown or cannot take this value")
    return {"value": value}


def takes(op, value) -> bool:
    """'a value of a type the op cannot take'"""
    is_scalar = isinstance(value, str | bool | Number)
    if op in ("eq", "neq", "contains", "not_contains"):
        return is_scalar
    if op in ORDERINGS:
        return isinstance(value, str | Number)
    if op in ("in", "not_in"):
        return isinstance(value, list) and all(isinstance(part, str | bool | Number) for part in value)
    return op in ("starts_with", "ends_with") and isinstance(value, str)


# ---- evaluating --------------------------------------------------------------------------------------------


@dataclass
class Subject:
    """'In an event filter `property` reads the event's properties and `{"profile": "key", "op": …}` the
    profile's state as of the achievement; a segment there is of the person.'"""

    properties: object
    profile: object
    segments: "Segments"


def holds(filter: dict, subject: Subject) -> bool:
    """'An empty `all` is true, an empty `any` is false.'"""
    match filter:
        case {"all": parts}:
            return all(holds(part, subject) for part in parts)
        case {"any": parts}:
            return any(holds(part, subject) for part in parts)
        case {"not": part}:
            return not holds(part, subject)
        case {"segment": segment_id}:
            return subject.segments.has_member(segment_id, subject.profile)
        case {"property": name}:
            found = look_up(subject.properties, name)
        case {"profile": name}:
            found = look_up(subject.profile, name)
    op, value = filter["op"], filter.get("value")
    if isinstance(value, dict):
        return compare_properties(op, found, look_up(subject.profile, value["profile"]))
    return compare_with_literal(op, found, value)


def look_up(document, name: str):
    """'`property` is a top-level key, or an RFC 6901 pointer where it starts with `/`.' Missing: None, as
    JSON null ('A property is *missing* if the key is absent, its value is JSON null, or the profile has no
    snapshot yet')."""
    if not name.startswith("/"):
        return document.get(name) if isinstance(document, dict) else None
    for token in name[1:].split("/"):
        token = token.replace("~1", "/").replace("~0", "~")
        if isinstance(document, list) and ARRAY_INDEX.fullmatch(token) and int(token) < len(document):
            document = document[int(token)]
        elif isinstance(document, dict):
            document = document.get(token)
        else:
            return None
    return document


def compare_with_literal(op: str, found, literal) -> bool:
    """'exactly the negation of the positive op: true for a missing property'; 'A condition on a missing
    property is false, except the negations and `not_exists`.'"""
    if op in NEGATIONS:
        return not compare_with_literal(NEGATIONS[op], found, literal)
    if found is None:
        return False
    match op:
        case "exists":
            return True
        case "eq":
            return equals(found, literal)
        case "in":
            return any(equals(found, element) for element in literal)
        case "contains":
            if isinstance(found, list):
                return any(equals(element, literal) for element in found)
            return isinstance(found, str) and isinstance(literal, str) and literal in found
        case "starts_with":
            return isinstance(found, str) and found.startswith(literal)
        case "ends_with":
            return isinstance(found, str) and found.endswith(literal)
        case _:
            return is_ordered(op, found, literal)


def equals(found, literal) -> bool:
    """'number literal: the property is a number, or text that is one, and equal; boolean literal: the
    boolean, or the text `true`/`false`; text literal: a scalar whose text is exactly equal (case matters).
    Arrays and objects are never equal to a literal.'"""
    if isinstance(literal, Number):
        return as_number(found) is not None and as_number(found) == literal.value
    if isinstance(literal, bool):
        return found is literal or found == ("true" if literal else "false")
    return scalar_text(found) == literal


def is_ordered(op: str, found, literal) -> bool:
    """'number literal: the property is a number (or text that is one) and compares so. ISO 8601 literal: the
    property is ISO 8601 text or Unix seconds (a number or text that is one) and compares so. Otherwise
    false.'"""
    if isinstance(literal, Number):
        left, right = as_number(found), literal.value
    else:
        left, right = as_time(found), as_time(literal) if as_number(literal) is None else None
    return left is not None and right is not None and ORDERINGS[op](left, right)


def compare_properties(op: str, left, right) -> bool:
    """'Comparing two properties: numeric if both are numbers or numeric text, otherwise `eq`/`neq` on text,
    and ordering as times if both are times, else false.'"""
    if op == "neq":
        return not compare_properties("eq", left, right)
    as_kind = as_number
    if as_number(left) is None or as_number(right) is None:
        as_kind = scalar_text if op == "eq" else as_time
    left, right = as_kind(left), as_kind(right)
    return left is not None and right is not None and {"eq": operator.eq, **ORDERINGS}[op](left, right)


# ---- segments ----------------------------------------------------------------------------------------------


class Segments:
    """The definitions of a workspace's segments that are in force together."""

    def __init__(self, filters: dict[str, dict]):
        self.filters = filters

    @classmethod
    def in_force(cls, rows: list[dict], at: datetime | None) -> "Segments":
        """The newest row of each segment with `updated_at` at or before the moment; None: the newest of
        all."""
        rows = [row for row in rows if at is None or row["updated_at"] <= at]
        return cls(
            {row["segment_id"]: row["filter"] for row in sorted(rows, key=lambda row: row["updated_at"])}
        )

    def has_member(self, segment_id: str, state) -> bool:
        """'Nobody is in a segment with no row in force, or in one that reaches itself.'"""
        if segment_id not in self.filters or segment_id in self.reachable_from(segment_id):
            return False
        return holds(self.filters[segment_id], Subject(state, state, self))

    def reachable_from(self, segment_id: str) -> set[str]:
        """The segments named in a segment's filter, in the filters of those, and so on."""
        reached: set[str] = set()
        waiting = [segment_id]
        while waiting:
            for named in named_segments(self.filters.get(waiting.pop(), {"all": []})):
                if named not in reached:
                    reached.add(named)
                    waiting.append(named)
        return reached


def named_segments(filter: dict) -> set[str]:
    match filter:
        case {"all": parts} | {"any": parts}:
            return set().union(*map(named_segments, parts))
        case {"not": part}:
            return named_segments(part)
        case {"segment": segment_id}:
            return {segment_id}
        case _:
            return set()
