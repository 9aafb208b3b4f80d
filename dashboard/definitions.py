"""A goal's definition in words, as `goalpost explain` has them.

Belongs here: finding in the YAML's shape what the words need. Does not: the words themselves
(orchestration/explain/words.py).
"""

import json
from collections.abc import Iterator
from decimal import Decimal
from typing import Any

from orchestration.explain.words import asks


def requirements(definition: dict[str, Any], time_zone: str, currency: str) -> Iterator[str]:
    """One line per subject: what the goal requires."""
    target, attribution = definition["target"], definition.get("attribution") or {}
    event, message = target.get("event") or {}, target.get("message") or {}
    impact, evaluation = definition.get("impact") or {}, definition.get("evaluation_window") or {}
    after = evaluation.get("after")
    value = impact.get("value")
    return asks(
        {
            "event_name": event.get("name"),
            "event_filter": event.get("filter"),
            "event_clock": event.get("clock", "received"),
            "message_metric": message.get("metric"),
            "message_source_id": message.get("source_id"),
            "message_channel": message.get("channel"),
            "message_counts_machine": message.get("count_machine", False),
            "profile_filter": target.get("profile"),
            "transition": target.get("transition", "enter"),
            "trigger_match": json.dumps([{"op": "eq"} | each for each in target.get("trigger_match") or ()]),
            "evaluation_window_days": evaluation.get("days"),
            "evaluation_event_name": after["event"] if isinstance(after, dict) else None,
            "eligibility": definition.get("eligibility"),
            "measurement_window_days": definition.get("measurement_window_days"),
            "time_zone": time_zone,
            "impression": definition.get("impression", "sent"),
            "sources": definition.get("sources") or [],
            "attribution_criteria": attribution.get("criteria") or {},
            "attribution_counts_machine": attribution.get("count_machine", False),
            "attribution_window_days": attribution.get("window_days", 7),
            "has_impact": bool(impact),
            "impact_value": None if value is None else Decimal(str(value)),
            "impact_event_property": impact.get("event_property"),
            "goal_currency": currency,
        }
    )
