"""From a resolved filter to a predicate: its conditions, one by one, and how and / or / not join them.

Belongs here: the boolean expression, made as short as it can be told the same. Does not: what a condition
means in SQL (dbt_project/macros/conditions.sql), whether a filter is valid (reading.py), what a segment
stands for (filters.py).

A predicate is data, never SQL: names and values of a marketer's form stay literals until the macro
quotes them.
"""

import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from orchestration.goals.limits import (
    MAX_CONDITIONS,
    MAX_CONDITIONS_IN_ALL,
    MAX_NESTING,
    TOO_MANY_IN_ALL,
    VALUES_A_CONDITION,
)

#: Each negation is exactly the negation of its positive operator (SEMANTICS, section 3).
NEGATIONS = {"neq": "eq", "not_in": "in", "not_contains": "contains", "not_exists": "exists"}

Filter = dict[str, Any]


class TooLarge(Exception):
    """A filter that would be more SQL than a run can take: says which limit, and what to do."""


@dataclass(frozen=True)
class Predicate:
    """A boolean expression over conditions.

    tokens: the expression as a list of `and`, `or`, `not`, `(`, `)`, `true`, `false` and numbers of
    conditions.
    conditions: dicts of op, subject (`property`, `profile` or `trigger`), pointer (RFC 6901), and either
    value (a literal or a list of them) or other_subject and other_pointer.
    size: how many conditions it is when written out (limits.VALUES_A_CONDITION).
    """

    tokens: tuple[str | int, ...]
    conditions: tuple[dict[str, Any], ...]
    size: int

    def as_json(self) -> str:
        return json.dumps(
            {"tokens": self.tokens, "conditions": self.conditions}, sort_keys=True, ensure_ascii=False
        )

    def pointers(self, subject: str) -> list[str]:
        """The properties of a subject that the predicate reads, as JSON pointers."""
        found = {condition["pointer"] for condition in self.conditions if condition["subject"] == subject}
        found |= {
            condition["other_pointer"]
            for condition in self.conditions
            if condition.get("other_subject") == subject
        }
        return sorted(found)


ALWAYS, NEVER = Predicate(("true",), (), 0), Predicate(("false",), (), 0)


def as_pointer(property_name: str) -> str:
    """A property is a top-level key, or an RFC 6901 pointer where it starts with `/`."""
    if property_name.startswith("/"):
        return property_name
    return "/" + property_name.replace("~", "~0").replace("/", "~1")


def predicate(resolved_filter: Filter) -> Predicate:
    """The predicate of a filter without segments (filters.Segments.resolve). Raises TooLarge."""
    expression = _Expression()
    root = expression.of(resolved_filter)
    expression.require_a_limited(root)
    tokens: list[str | int] = []
    numbers: dict[int, int] = {}
    expression.write(root, tokens, numbers)
    return Predicate(
        tuple(tokens), tuple(expression.conditions[part] for part in numbers), expression.size[root]
    )


def predicates(filters: Iterable[tuple[Filter, Predicate]]) -> Iterator[tuple[Predicate, str | None]]:
    """The predicates of resolved filters, in their order. A filter that is too large, or one too many of all
    together, is the predicate given beside it, and the problem says why. So it never raises TooLarge."""
    counted: set[str] = set()
    size = 0
    for resolved, otherwise in filters:
        try:
            compiled = predicate(resolved)
        except TooLarge as problem:
            yield otherwise, str(problem)
            continue
        text = compiled.as_json()
        if text not in counted and size + compiled.size > MAX_CONDITIONS_IN_ALL:
            yield otherwise, TOO_MANY_IN_ALL
            continue
        size += 0 if text in counted else compiled.size
        counted.add(text)
        yield compiled, None


def trigger_match_filter(pairs: list[dict[str, str]]) -> Filter:
    """A goal's trigger_match as a filter: event properties compared with the journey's trigger properties."""
    return {
        "all": [
            {
                "property": pair["event_property"],
                "op": pair["op"],
                "value": {"trigger": pair["trigger_property"]},
            }
            for pair in pairs
        ]
    }


TRUE, FALSE = 0, 1


class _Expression:
    """Parts of expressions, by number; what says the same is one part, however often it is written.

    Every condition is true or false, never unknown, so whatever holds in Boolean algebra holds here: `all`
    of a part twice is that part, `all` of it and its opposite is false. A part that is shared is written out
    where it is used: `size` is how many conditions that makes, and is counted without doing it.
    """

    def __init__(self) -> None:
        self.parts: list[tuple] = [("true",), ("false",)]
        self.size, self.depth = [0, 0], [0, 0]
        self.conditions: dict[int, dict[str, Any]] = {}
        self._numbers: dict[tuple, int] = {part: number for number, part in enumerate(self.parts)}

    def of(self, resolved: Filter) -> int:
        """The part that a filter is. Without recursion, and once for each object in it."""
        done: dict[int, int] = {}
        pending: list[tuple[Filter, bool]] = [(resolved, False)]
        while pending:
            node, is_ready = pending.pop()
            if id(node) in done:
                continue
            inner = _inner(node)
            if not is_ready and inner:
                pending.append((node, True))
                pending += [(each, False) for each in inner]
            elif "not" in node:
                done[id(node)] = self._negated(done[id(node["not"])])
            elif "all" in node:
                done[id(node)] = self._joined("and", [done[id(each)] for each in inner])
            elif "any" in node:
                done[id(node)] = self._joined("or", [done[id(each)] for each in inner])
            else:
                done[id(node)] = self._condition(node)
        return done[id(resolved)]

    def require_a_limited(self, part: int) -> None:
        if self.size[part] > MAX_CONDITIONS:
            raise TooLarge(
                f"more than {MAX_CONDITIONS:,} conditions with its segments written out: "
                "land as a property what they come to, or use `in` with a list"
            )
        if self.depth[part] > MAX_NESTING:
            raise TooLarge(
                f"`all`, `any` and `not` nested more than {MAX_NESTING} deep with its segments written out: "
                "flatten it, or land as a property what a segment comes to"
            )

    def write(self, part: int, tokens: list[str | int], numbers: dict[int, int]) -> None:
        word, *inner = self.parts[part]
        if word == "condition":
            tokens.append(numbers.setdefault(part, len(numbers)))
        elif word == "not":
            tokens.append("not")
            is_condition = self.parts[inner[0]][0] == "condition"
            tokens += [] if is_condition else ["("]
            self.write(inner[0], tokens, numbers)
            tokens += [] if is_condition else [")"]
        elif inner:
            for index, each in enumerate(inner):
                tokens.append(word if index else "(")
                self.write(each, tokens, numbers)
            tokens.append(")")
        else:
            tokens.append(word)

    def _part(self, word: str, inner: tuple, size: int, depth: int) -> int:
        number = self._numbers.setdefault((word, *inner), len(self.parts))
        if number == len(self.parts):
            self.parts.append((word, *inner))
            self.size.append(min(size, MAX_CONDITIONS + 1))
            self.depth.append(depth)
        return number

    def _negated(self, part: int) -> int:
        word, *inner = self.parts[part]
        if part in (TRUE, FALSE):
            return FALSE if part == TRUE else TRUE
        if word == "not":
            return inner[0]
        return self._part("not", (part,), self.size[part], self.depth[part] + 1)

    def _joined(self, word: str, inner: list[int]) -> int:
        neutral, decisive = (TRUE, FALSE) if word == "and" else (FALSE, TRUE)
        kept: dict[int, None] = {}
        for part in inner:
            # `all` in `all` is one `all`; not of more than may be written, which would grow at each level
            is_flat = self.parts[part][0] == word and self.size[part] <= MAX_CONDITIONS
            kept |= dict.fromkeys(self.parts[part][1:] if is_flat else [part])
        kept.pop(neutral, None)
        if decisive in kept or any(self._negated(part) in kept for part in kept):
            return decisive
        if len(kept) < 2:
            return next(iter(kept), neutral)
        size = sum(self.size[part] for part in kept)
        return self._part(word, tuple(kept), size, 1 + max(self.depth[part] for part in kept))

    def _condition(self, node: Filter) -> int:
        condition = _condition(node)
        # As text: to Python, true and 1 and 1.0 are one value.
        value = condition.get("value")
        size = 1 + (len(value) // VALUES_A_CONDITION if isinstance(value, list) else 0)
        part = self._part("condition", (json.dumps(condition, sort_keys=True),), size, 0)
        self.conditions[part] = condition
        return self._negated(part) if node["op"] in NEGATIONS else part


def _inner(node: Filter) -> list[Filter]:
    return [node["not"]] if "not" in node else node.get("all") or node.get("any") or []


def _condition(node: Filter) -> dict[str, Any]:
    """A condition with the positive operator."""
    subject = "profile" if "profile" in node else "property"
    op = NEGATIONS.get(node["op"], node["op"])
    condition: dict[str, Any] = {"op": op, "subject": subject, "pointer": as_pointer(node[subject])}
    value = node.get("value")
    if op != "exists":
        if isinstance(value, dict):
            ((other_subject, other_property),) = value.items()
            condition |= {"other_subject": other_subject, "other_pointer": as_pointer(other_property)}
        else:
            condition["value"] = value
    return condition
