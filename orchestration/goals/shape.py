"""What goal.schema.json says about a document: what is wrong, what is ignored, the document with defaults.

Belongs here: applying the schema and wording what it finds. Does not: any rule about a definition or a filter
(only goal.schema.json has them; limits.py says how large it may be), JSON text (reading.py), YAML files and
lines (yaml_files.py).
"""

import json
from collections.abc import Iterator
from copy import deepcopy
from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path
from typing import Any

from jsonschema import Draft202012Validator
from jsonschema.exceptions import ValidationError
from jsonschema.validators import extend

from orchestration.goals.filters import Filter, Segments
from orchestration.goals.limits import TOO_DEEP, Place, excesses
from orchestration.goals.predicates import TooLarge, predicate

SCHEMA_FILE = Path(__file__).with_name("goal.schema.json")
DEFINITIONS: dict[str, Any] = json.loads(SCHEMA_FILE.read_text("utf-8"))["$defs"]

FILTERS = ("profile_filter", "event_filter")
CONDITION_KEYS = ("op", "value")


@dataclass(frozen=True)
class Problem:
    place: Place
    text: str
    in_filter: bool

    def __str__(self) -> str:
        return f"{dotted(self.place)}: {self.text}" if self.place else self.text


@dataclass(frozen=True)
class UnknownKey:
    place: Place
    known: tuple[str, ...]

    def __str__(self) -> str:
        closest = _closest(str(self.place[-1]), self.known)
        return f"{dotted(self.place)}: is not a known key, it is ignored{closest}"


@dataclass(frozen=True)
class Judgement:
    """`completed`: the document with its defaults and without what is ignored; filters are as written, except
    for ids that were numbers. `segments`: the places that name a segment. `filters`: the places of whole
    filters; `is_of_event` says which of the two kinds a filter is."""

    completed: Any
    problems: tuple[Problem, ...]
    unknown_keys: tuple[UnknownKey, ...]
    segments: dict[Place, str]
    filters: dict[Place, "WrittenFilter"]


@dataclass(frozen=True)
class WrittenFilter:
    written: Filter
    is_of_event: bool


def judge(document: Any, kind: str) -> Judgement:
    """Judge a document of a kind: the name of one of the schema's $defs. Never raises, and takes at most
    seconds: a document that exceeds a limit is not read further."""
    too_much = tuple(
        # only filters may nest
        Problem(place, text, in_filter=text == TOO_DEEP or _is_in_filter(kind, place))
        for place, text in _excesses(document, kind)
    )
    if too_much:
        return Judgement(document, too_much, (), {}, {})
    unknown_keys: list[UnknownKey] = []
    completed = _complete(document, {"$ref": f"#/$defs/{kind}"}, (), unknown_keys)
    problems: dict[Place, Problem] = {}  # only the first problem of a place
    segments: dict[Place, str] = {}
    filters: dict[Place, WrittenFilter] = {}
    if kind in FILTERS:
        filters[()] = WrittenFilter(completed, kind == "event_filter")
    pending: list[tuple[Any, str, Place]] = [(completed, kind, ())]
    while pending:
        part, kind, place = pending.pop()
        in_filter = kind in FILTERS
        if in_filter and isinstance(part, dict):
            known = (*DEFINITIONS[kind]["properties"], *CONDITION_KEYS)
            unknown_keys += [UnknownKey((*place, key), known) for key in part if key not in known]
            if "segment" in part:
                segments[*place, "segment"] = part["segment"]
        for error in _VALIDATORS[kind].iter_errors(part):
            error_place = (*place, *error.relative_path)
            if isinstance(error, _FilterHere):
                inner: Any = error.instance
                pending.append((inner, error.kind, error_place))
                if not in_filter:
                    filters[error_place] = WrittenFilter(inner, error.kind == "event_filter")
                continue
            for problem in _worded(error, error_place, in_filter):
                problems.setdefault(problem.place, problem)
    if not problems:
        problems = {problem.place: problem for problem in _too_large(filters)}
    return Judgement(completed, tuple(problems.values()), tuple(unknown_keys), segments, filters)


def dotted(place: Place) -> str:
    """The place as text: `target.profile.all[0].op`; without the middle of a very long one."""
    if len(place) > 20:
        return f"{dotted(place[:10])}…{dotted(place[-5:])}"
    steps = (f"[{step}]" if isinstance(step, int) else f".{_printable(step)}" for step in place)
    return "".join(steps).removeprefix(".")


# --- limits


class _AnySegment(dict):
    """Every segment exists and is one condition: for the size of a filter on its own."""

    def __missing__(self, segment_id: str) -> Filter:
        return {"property": f"segment {segment_id}", "op": "exists"}

    def __contains__(self, _: object) -> bool:
        return True

    def get(self, key: str, default: Any = None) -> Filter:
        return self[key]


def _excesses(document: Any, kind: str) -> Iterator[tuple[Place, str]]:
    """The excesses of a document. For a file: those of each goal, segment, funnel and experiment in it, as
    if it had landed alone; yaml_text.py checked the limits of the file itself."""
    if kind != "file":
        yield from excesses(document)
    elif isinstance(document, dict):
        for table in [name for name in DEFINITIONS["file"]["properties"] if name != "workspace"]:
            things = document.get(table)
            for id_, thing in things.items() if isinstance(things, dict) else ():
                yield from (((table, id_, *place), text) for place, text in excesses(thing))


def _too_large(filters: dict[Place, WrittenFilter]) -> Iterator[Problem]:
    for place, each in filters.items():
        try:
            predicate(Segments(_AnySegment()).resolve(each.written, of_event=each.is_of_event))
        except TooLarge as problem:
            yield Problem(place, str(problem), in_filter=True)


def _is_in_filter(kind: str, place: Place) -> bool:
    schema: dict[str, Any] | None = {"$ref": f"#/$defs/{kind}"}
    for step in (*place, None):
        if schema and "$ref" in schema:
            if _kind(schema["$ref"]) in FILTERS:
                return True
            schema = DEFINITIONS[_kind(schema["$ref"])] | schema
        schema = schema or {}
        schema = (
            schema.get("properties", {}).get(step)
            or schema.get("additionalProperties")
            or schema.get("items")
        )
    return False


# --- defaults and unknown keys


def _kind(reference: str) -> str:
    return reference.removeprefix("#/$defs/")


def _complete(value: Any, schema: dict, place: Place, unknown_keys: list[UnknownKey]) -> Any:
    """Fill in defaults, drop unknown keys and nulls (a null means an absent key, unless the key allows null),
    write whole numbers as integers and ids as text. A value of the wrong type stays for the validator."""
    if "$ref" in schema:
        kind = _kind(schema["$ref"])
        if kind in FILTERS:
            return _with_ids_as_text(value)
        schema = DEFINITIONS[kind] | schema
    if isinstance(value, dict):
        known, any_other = schema.get("properties", {}), schema.get("additionalProperties")
        completed = {}
        for key, inner in value.items():
            inner_schema = known.get(key, any_other)
            if inner_schema is None:
                unknown_keys.append(UnknownKey((*place, key), tuple(known)))
            elif inner is not None or "null" in inner_schema.get("type", ()):
                completed[key] = _complete(inner, inner_schema, (*place, key), unknown_keys)
        for key, inner_schema in known.items():
            if "default" in inner_schema and key not in completed:
                default = deepcopy(inner_schema["default"])
                completed[key] = _complete(default, inner_schema, (*place, key), unknown_keys)
        return completed
    if isinstance(value, list) and "items" in schema:
        items = schema["items"]
        return [_complete(item, items, (*place, index), unknown_keys) for index, item in enumerate(value)]
    if schema.get("format") == "id":
        return _id_as_text(value)
    if isinstance(value, float) and value.is_integer() and "integer" in schema.get("type", ()):
        return int(value)
    return value


def _id_as_text(value: Any) -> Any:
    """An id that is a whole number becomes its integer text (SEMANTICS, section 2)."""
    if isinstance(value, int | float) and not isinstance(value, bool) and value == int(value):
        return str(int(value))
    return value


def _with_ids_as_text(filter_: Any) -> Any:
    """A copy of a filter with ids as text. No recursion."""
    root = [filter_]
    pending: list[tuple[Any, Any, Any]] = [(filter_, root, 0)]
    while pending:
        part, holder, key = pending.pop()
        if not isinstance(part, dict):
            continue
        copy = holder[key] = dict(part)
        if "segment" in copy:
            copy["segment"] = _id_as_text(copy["segment"])
        pending.append((copy.get("not"), copy, "not"))
        for combinator in ("all", "any"):
            if isinstance(copy.get(combinator), list):
                inner = copy[combinator] = list(copy[combinator])
                pending += [(each, inner, index) for index, each in enumerate(inner)]
    return root[0]


# --- validation: filters may be nested deeply, so each part is validated on its own, without recursion


class _FilterHere(ValidationError):
    """Not an error: a filter that must still be judged."""

    def __init__(self, filter_: Any, kind: str) -> None:
        super().__init__(kind, instance=filter_)
        self.kind = kind


def _follow(validator: Any, reference: str, instance: Any, _schema: dict) -> Iterator[ValidationError]:
    kind = _kind(reference)
    if kind in FILTERS:
        yield _FilterHere(instance, kind)
    else:
        yield from validator.descend(instance, DEFINITIONS[kind])


_Validator: Any = extend(Draft202012Validator, {"$ref": _follow})
_VALIDATORS = {kind: _Validator(schema) for kind, schema in DEFINITIONS.items()}


# --- wording


def _worded(error: Any, place: Place, in_filter: bool) -> Iterator[Problem]:
    if "errorMessage" in error.schema:
        written = f"{_shown(error.instance)}: " if isinstance(error.instance, str) else ""
        yield Problem(place, written + error.schema["errorMessage"], in_filter)
    elif error.validator == "required":
        for key in error.validator_value:
            if key not in error.instance:
                schema = error.schema.get("properties", {}).get(key, {})
                wanted = schema.get("wanted") or _wanted(schema)
                yield Problem((*place, key), f"is missing; give {wanted}", in_filter)
    else:
        values = error.schema.get("enum", ())
        closest = _closest(error.instance, values) if isinstance(error.instance, str) else ""
        yield Problem(place, f"{_shown(error.instance)} is not {_wanted(error.schema)}{closest}", in_filter)


def _wanted(schema: dict) -> str:
    """What a schema allows, in words."""
    if "$ref" in schema:
        schema = DEFINITIONS[_kind(schema["$ref"])] | schema
    if "enum" in schema:
        return "one of " + ", ".join(schema["enum"])
    types = schema.get("type", ())
    return " or ".join(_WANTED[type_](schema) for type_ in ([types] if isinstance(types, str) else types))


def _whole_number(schema: dict) -> str:
    at_least, at_most = schema.get("minimum"), schema.get("maximum")
    if at_least is None:
        return "a whole number"
    return "a whole number" + (f" from {at_least} to {at_most}" if at_most else f" from {at_least} on")


_WANTED = {
    "string": lambda schema: "text",
    "number": lambda schema: "a number",
    "integer": _whole_number,
    "boolean": lambda schema: "true or false",
    "null": lambda schema: "null",
    "array": lambda schema: f"a list (each {_wanted(schema['items'])})",
    "object": lambda schema: "an object with " + ", ".join(schema.get("properties", ("keys of your own",))),
}


def _shown(value: Any) -> str:
    if isinstance(value, dict | list):
        return "an object" if isinstance(value, dict) else "a list"
    if isinstance(value, str):
        return repr(value) if len(value) <= 60 else repr(value[:57] + "…")
    return json.dumps(value) if value is None or isinstance(value, bool | int | float) else str(value)


def _printable(key: str) -> str:
    return key if key.isprintable() else repr(key)


def _closest(written: str, allowed: tuple[str, ...]) -> str:
    closest = get_close_matches(written, allowed, n=1, cutoff=0.5)
    return f"; did you mean {closest[0]}?" if closest else ""
