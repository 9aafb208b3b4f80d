"""What a filter says when each segment in it is replaced by the segment's own filter.

Belongs here: which segments are in force when, and replacing each segment by its filter, once. Does not:
whether a filter is valid (reading.py), how a filter becomes SQL (predicates.py).
"""

from bisect import bisect_right
from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime
from typing import Any

import networkx

Filter = dict[str, Any]

NOBODY: Filter = {"any": []}


class Segments:
    """The segments in force at one moment, by id. Each is resolved once, however often it is named."""

    def __init__(self, filters: Mapping[str, Filter]) -> None:
        self._filters = filters
        self._reaches_itself: dict[str, bool] = {}
        self._resolved: dict[tuple[str, bool], Filter] = {}

    def __contains__(self, segment_id: object) -> bool:
        return segment_id in self._filters

    def resolve(self, written: Filter, *, of_event: bool = False) -> Filter:
        """The filter without segments, and without keys that have no meaning.

        A segment is the same object wherever it is named. So twenty-five segments that each name the next one
        twice are twenty-five objects and not 2^25: see predicates.predicate. In a filter on an event, a
        segment is about the person of the event, so its `property` becomes `profile` there. No recursion,
        because a filter may be as deep as all the segments in it together.
        """
        root: list[Filter] = [{}]
        pending: list[tuple[Filter, Any, Any, bool]] = [(written, root, 0, False)]
        while pending:
            part, holder, key, of_person = (
                pending.pop()
            )  # of_person: a segment brought it into an event filter
            if "segment" in part:
                holder[key] = self._segment(part["segment"], of_event, pending)
            elif "not" in part:
                holder[key] = {"not": None}
                pending.append((part["not"], holder[key], "not", of_person))
            elif "all" in part or "any" in part:
                combinator = "all" if "all" in part else "any"
                inner = part[combinator]
                places: list[Any] = [None] * len(inner)
                holder[key] = {combinator: places}
                pending += [(each, places, index, of_person) for index, each in enumerate(inner)]
            else:
                holder[key] = _condition(part, of_person)
        return root[0]

    def _segment(self, segment_id: str, of_event: bool, pending: list) -> Filter:
        if segment_id not in self._filters or self.reaches_itself(segment_id):
            return NOBODY
        resolved = self._resolved.get((segment_id, of_event))
        if resolved is None:
            places: list[Any] = [None]
            resolved = self._resolved[segment_id, of_event] = {"all": places}
            pending.append((self._filters[segment_id], places, 0, of_event))
        return resolved

    def reaches_itself(self, segment_id: str) -> bool:
        """Does the segment refer to itself, directly or through others? (A segment that only refers to such a
        segment does not; for it, that segment has no members.)"""
        if segment_id not in self._reaches_itself:
            names: networkx.DiGraph = networkx.DiGraph()
            pending = [segment_id]
            while pending:
                each = pending.pop()
                if each in self._reaches_itself or (each in names and names.nodes[each].get("is_known")):
                    continue
                names.add_node(each, is_known=True)
                for other in segments_in(self._filters.get(each, NOBODY)):
                    names.add_edge(each, other)
                    pending.append(other)
            for circle in networkx.strongly_connected_components(names):
                for each in circle:
                    self._reaches_itself.setdefault(each, len(circle) > 1 or names.has_edge(each, each))
        return self._reaches_itself[segment_id]


class SegmentHistory:
    """The segments of a workspace and their changes: (segment_id, updated_at, filter), in the order of
    updated_at."""

    def __init__(self, rows: Iterable[tuple[str, datetime, Filter]] = ()) -> None:
        self._moments: dict[str, list[datetime]] = {}
        self._filters: dict[str, list[Filter]] = {}
        changes: set[datetime] = set()
        for segment_id, updated_at, filter_ in rows:
            self._moments.setdefault(segment_id, []).append(updated_at)
            self._filters.setdefault(segment_id, []).append(filter_)
            changes.add(updated_at)
        self._changes = sorted(changes)
        self._segments: dict[int, Segments] = {}

    def at(self, moment: datetime) -> Segments:
        """The segments in force at a moment: the same object between two changes."""
        state = bisect_right(self._changes, moment)
        if state not in self._segments:
            self._segments[state] = Segments(_InForce(self._moments, self._filters, moment))
        return self._segments[state]

    def newest(self) -> dict[str, datetime]:
        """The moment of each segment's last change."""
        return {segment_id: moments[-1] for segment_id, moments in self._moments.items()}

    def changes_behind(self, written: Filter) -> set[datetime]:
        """The moments at which a filter's meaning may change: the changes of all segments that it ever
        reaches."""
        moments: set[datetime] = set()
        reached: set[str] = set()
        pending = [written]
        while pending:
            for segment_id in segments_in(pending.pop()):
                if segment_id not in reached:
                    reached.add(segment_id)
                    moments.update(self._moments.get(segment_id, ()))
                    pending += self._filters.get(segment_id, ())
        return moments


class _InForce(Mapping[str, Filter]):
    """Segments as of a moment. Each is looked up when it is needed, because few are."""

    def __init__(self, moments: dict[str, list], filters: dict[str, list], moment: datetime) -> None:
        self._moments, self._filters, self._moment = moments, filters, moment

    def __getitem__(self, segment_id: str) -> Filter:
        row = bisect_right(self._moments[segment_id], self._moment)
        if not row:
            raise KeyError(segment_id)
        return self._filters[segment_id][row - 1]

    def __iter__(self) -> Iterator[str]:
        return (each for each, moments in self._moments.items() if moments[0] <= self._moment)

    def __len__(self) -> int:
        return sum(1 for _ in self)


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
