"""Which properties definitions read: without them, figures would not be what they were.

Belongs here: finding them in every version of every definition. Does not: removing the others (alias.py).
"""

import json
from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import duckdb

from orchestration.contract import RawTable
from orchestration.goals.predicates import Filter, as_pointer


@dataclass
class Reads:
    """The properties that the definitions of a workspace read, of any version, as JSON pointers."""

    profile: set[str] = field(default_factory=set)
    trigger: set[str] = field(default_factory=set)
    events: dict[str, set[str]] = field(default_factory=lambda: defaultdict(set))  # by the event's name

    def add_filter(self, written: Filter | None, event: str | None = None) -> None:
        """`event`: its name, if the filter is on an event."""
        for condition in _conditions(written):
            is_of_event = event is not None and "property" in condition
            found = self.events[event] if is_of_event and event is not None else self.profile
            found.add(as_pointer(condition["property" if "property" in condition else "profile"]))
            value = condition.get("value")
            if isinstance(value, dict) and "profile" in value:
                self.profile.add(as_pointer(value["profile"]))

    def add_definition(self, definition: Mapping[str, Any]) -> None:
        target, impact = definition["target"], definition.get("impact") or {}
        self.add_filter(definition.get("eligibility"))
        self.add_filter(target.get("profile"))
        if event := target.get("event"):
            self.add_filter(event.get("filter"), event["name"])
            pairs = target.get("trigger_match") or []
            names = [impact.get("event_property"), impact.get("currency_property")]
            names += [pair["event_property"] for pair in pairs]
            self.events[event["name"]] |= {as_pointer(name) for name in names if name}
            self.trigger |= {as_pointer(pair["trigger_property"]) for pair in pairs}

    def of(self, table: RawTable, column: str, row: Mapping[str, Any]) -> set[str]:
        if "event_id" in table.key:
            return self.events.get(row["name"], set())
        return self.trigger if column == "trigger_properties" else self.profile


def _conditions(written: Filter | None) -> Iterator[Filter]:
    pending = [written] if written else []
    while pending:
        part = pending.pop()
        if "op" in part:
            yield part
        elif "not" in part:
            pending.append(part["not"])
        else:
            pending += part.get("all") or part.get("any") or []


def read_by_definitions(connection: duckdb.DuckDBPyConnection) -> dict[str, Reads]:
    found: dict[str, Reads] = defaultdict(Reads)
    for kind, table, column in (
        ("definition", "goals", "definition"),
        ("filter", "segments", "filter"),
        ("filter", "sources", "trigger_filter"),
    ):
        rows = connection.execute(
            f"select distinct workspace_id, normal_form from raw.{table} as landed "
            f"inner join staging.base_definitions as readings on landed.{column} = readings.landed_text "
            f"where kind = '{kind}' and normal_form is not null and workspace_id is not null"
        ).fetchall()
        for workspace_id, normal_form in rows:
            document = json.loads(normal_form)
            reads = found[workspace_id]
            reads.add_definition(document) if kind == "definition" else reads.add_filter(document)
    covariates = connection.execute(
        "select distinct workspace_id, covariate from raw.experiments where covariate is not null"
    ).fetchall()
    for workspace_id, covariate in covariates:
        found[workspace_id].profile.add(as_pointer(covariate))
    return found
