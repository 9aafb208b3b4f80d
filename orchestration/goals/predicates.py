"""From a resolved filter to a predicate: its conditions, one by one, and how and / or / not join them.

Belongs here: the shape of the boolean expression. Does not: what a condition means in SQL
(dbt_project/macros/conditions.sql), whether a filter is valid (reading.py), what a segment stands for
(filters.py).

A predicate is data, never SQL: names and values of a marketer's form stay literals until the macro
quotes them.
"""

import json
from dataclasses import dataclass
from typing import Any

#: Each negation is exactly the negation of its positive operator (SEMANTICS, section 3).
NEGATIONS = {"neq": "eq", "not_in": "in", "not_contains": "contains", "not_exists": "exists"}

Filter = dict[str, Any]


@dataclass(frozen=True)
class Predicate:
    """A boolean expression over conditions.

    tokens: the expression as a list of `and`, `or`, `not`, `(`, `)`, `true`, `false` and numbers of
    conditions.
    conditions: dicts of op, subject (`property`, `profile` or `trigger`), pointer (RFC 6901), and either
    value (a literal or a list of them) or other_subject and other_pointer.
    """

    tokens: tuple[str | int, ...]
    conditions: tuple[dict[str, Any], ...]

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


def as_pointer(property_name: str) -> str:
    """A property is a top-level key, or an RFC 6901 pointer where it starts with `/`."""
    if property_name.startswith("/"):
        return property_name
    return "/" + property_name.replace("~", "~0").replace("/", "~1")


def predicate(resolved_filter: Filter) -> Predicate:
    """The predicate of a filter without segments (see filters.resolve)."""
    conditions: list[dict[str, Any]] = []
    tokens = _tokens(resolved_filter, conditions)
    return Predicate(tuple(tokens), tuple(conditions))


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


def _tokens(node: Filter, conditions: list[dict[str, Any]]) -> list[str | int]:
    for combinator, word, empty in (("all", "and", "true"), ("any", "or", "false")):
        if combinator in node:
            parts = [_tokens(part, conditions) for part in node[combinator]]
            if not parts:
                return [empty]
            joined: list[str | int] = ["(", *parts[0]]
            for part in parts[1:]:
                joined += [word, *part]
            return [*joined, ")"]
    if "not" in node:
        return ["not", "(", *_tokens(node["not"], conditions), ")"]
    return _condition(node, conditions)


def _condition(node: Filter, conditions: list[dict[str, Any]]) -> list[str | int]:
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
    if condition not in conditions:
        conditions.append(condition)
    number = conditions.index(condition)
    return ["not", number] if node["op"] in NEGATIONS else [number]
