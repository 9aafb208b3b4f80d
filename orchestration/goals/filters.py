"""What a filter says once the segments in it are written out.

Belongs here: putting a segment's own filter in its place. Does not: whether a filter is valid (reading.py),
which segments are in force when (the models), how a filter becomes SQL (predicates.py).
"""

from collections.abc import Iterator, Mapping
from typing import Any

Filter = dict[str, Any]

NOBODY: Filter = {"any": []}


def resolve(written: Filter, segments: Mapping[str, Filter], *, of_event: bool = False) -> Filter:
    """The filter without segments, and without keys that mean nothing. `segments` are those in force, by id.

    A segment in a filter on an event is of the person who did it, so its `property` becomes `profile` there.
    Without recursion: a filter may be as deep as the segments in it together.
    """
    empty: dict[str, bool] = {}
    resolved: Filter = {}
    pending = [(written, resolved, False)]
    while pending:
        part, target, of_person = pending.pop()  # of_person: a segment brought this part into an event filter
        if "segment" in part:
            segment_id = part["segment"]
            if segment_id not in empty:
                empty[segment_id] = segment_id not in segments or reaches_itself(segment_id, segments)
            pending.append((NOBODY if empty[segment_id] else segments[segment_id], target, of_event))
        elif "not" in part:
            target["not"] = {}
            pending.append((part["not"], target["not"], of_person))
        elif "all" in part or "any" in part:
            combinator = "all" if "all" in part else "any"
            target[combinator] = [{} for _ in part[combinator]]
            pairs = zip(part[combinator], target[combinator], strict=True)
            pending += [(inner, place, of_person) for inner, place in pairs]
        else:
            target.update(_condition(part, of_person))
    return resolved


def reaches_itself(segment_id: str, segments: Mapping[str, Filter]) -> bool:
    """Directly or through others. Who only refers to such a segment does not: there it is just empty."""
    reached: set[str] = set()
    pending = [segment_id]
    while pending:
        for other in segments_in(segments.get(pending.pop(), NOBODY)):
            if other == segment_id:
                return True
            if other not in reached:
                reached.add(other)
                pending.append(other)
    return False


def segments_in(written: Filter) -> Iterator[str]:
    """The ids of the segments that a filter itself names."""
    pending = [written]
    while pending:
        part = pending.pop()
        if "segment" in part:
            yield part["segment"]
        elif "not" in part:
            pending.append(part["not"])
        else:
            pending += part.get("all") or part.get("any") or []


def _condition(part: Filter, of_person: bool) -> Filter:
    subject = "profile" if "profile" in part else "property"
    condition = {"profile" if of_person else subject: part[subject], "op": part["op"]}
    if part["op"] in ("exists", "not_exists"):
        return condition
    value = part["value"]
    return condition | {"value": {"profile": value["profile"]} if isinstance(value, dict) else value}
