"""YAML 1.2 text as a JSON document, and the line of each place in it.

Belongs here: YAML's own rules, exactly the core schema of YAML 1.2 (`NO` and dates are text, as are `1_000`
and `<<`). Does not: what a document should hold (shape.py), files (yaml_files.py).
"""

import re
import warnings
from collections.abc import Iterator
from typing import Any

from ruamel.yaml import YAML
from ruamel.yaml.composer import Composer
from ruamel.yaml.error import MarkedYAMLError, ReusedAnchorWarning, YAMLError
from ruamel.yaml.nodes import MappingNode, Node, ScalarNode, SequenceNode
from ruamel.yaml.resolver import VersionedResolver

from orchestration.goals.limits import (
    LONG_TEXT,
    LONG_VALUES,
    MAX_DEPTH,
    MAX_ITEMS,
    MAX_LENGTH,
    MAX_NODES,
    TOO_DEEP,
    TOO_MANY,
    Place,
)
from orchestration.goals.reading import decimal_number, is_storable, whole_number
from orchestration.goals.shape import dotted

CORE = "tag:yaml.org,2002:"


class YamlError(Exception):
    def __init__(self, line: int, text: str) -> None:
        super().__init__(text)
        self.line = line


def parse_yaml(text: str) -> tuple[Any, dict[Place, int]]:
    """The document, and the line on which each key or list item begins. Takes at most seconds.

    Raises YamlError if the text is not YAML, or exceeds a limit of limits.py with its aliases written out.
    """
    if len(text) > MAX_LENGTH:
        raise YamlError(1, f"the file is {LONG_TEXT}")
    yaml = YAML(typ="safe", pure=True)
    yaml.Resolver, yaml.Composer = _CoreSchema, _LimitedComposer
    try:
        with warnings.catch_warnings(action="ignore", category=ReusedAnchorWarning):  # YAML 1.2 allows it
            node = yaml.compose(text)
        document, lines = ({}, {}) if node is None else _document(node)
    except MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        raise YamlError(mark.line + 1 if mark else 1, f"not YAML: {error.problem or error.context}") from None
    except (YAMLError, ValueError) as error:
        line = text.count("\n", 0, getattr(error, "position", 0)) + 1
        raise YamlError(line, f"not YAML: {getattr(error, 'reason', error)}") from None
    except RecursionError:  # of the library
        raise YamlError(1, f"the file is {TOO_DEEP}") from None
    return document, lines


class _LimitedComposer(Composer):
    """Stops when a file has too many nodes, because the library needs a fifth of a second for a thousand."""

    nodes = 0

    def compose_node(self, parent: Any, index: Any) -> Any:
        self.nodes += 1
        if self.nodes > MAX_NODES and isinstance(parent, SequenceNode) and index > MAX_ITEMS:
            raise YamlError(parent.start_mark.line + 1, f"a list has {LONG_VALUES}")
        if self.nodes > MAX_NODES:
            raise YamlError(self.parser.peek_event().start_mark.line + 1, f"the file has {TOO_MANY}")
        return super().compose_node(parent, index)


_SCHEMA = [
    ("null", r"null|Null|NULL|~|", ["n", "N", "~", ""]),
    ("bool", r"true|True|TRUE|false|False|FALSE", "tTfF"),
    ("int", r"[-+]?[0-9]+|0o[0-7]+|0x[0-9a-fA-F]+", "-+0123456789"),
    ("float", r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?", "-+.0123456789"),
    ("float", r"[-+]?\.(inf|Inf|INF)|\.(nan|NaN|NAN)", "-+."),
]
_BY_FIRST_CHARACTER: dict[str, list[tuple[str, re.Pattern[str]]]] = {}
for _tag, _pattern, _first_characters in _SCHEMA:
    for _first in _first_characters:
        pattern = re.compile(rf"(?:{_pattern})\Z")
        _BY_FIRST_CHARACTER.setdefault(_first, []).append((CORE + _tag, pattern))


class _CoreSchema(VersionedResolver):
    """https://yaml.org/spec/1.2.2/#103-core-schema"""

    @property
    def versioned_resolver(self) -> dict[str, list[tuple[str, re.Pattern[str]]]]:
        return _BY_FIRST_CHARACTER


def _whole_number(literal: str) -> Any:
    base = {"0o": 8, "0x": 16}.get(literal[:2])
    return int(literal, base) if base else whole_number(literal)


_SCALARS = {
    "str": str,
    "null": lambda _: None,
    "bool": lambda literal: literal.lower() == "true",
    "int": _whole_number,
    "float": lambda literal: decimal_number(re.sub(r"\.(?=inf|nan)", "", literal.lower())),
}


def _document(root: Node) -> tuple[Any, dict[Place, int]]:
    """The document and its lines. No recursion, because an alias may contain itself. Aliases are written out,
    and what they contain is counted."""
    document: list[Any] = [None]
    lines: dict[Place, int] = {}
    pending: list[tuple[Node, Place, Any, Any]] = [(root, (), document, 0)]
    nodes = characters = 0
    while pending:
        node, place, holder, key = pending.pop()
        line = node.start_mark.line + 1
        lines.setdefault(place, line)
        nodes += 1
        if nodes > MAX_NODES:
            raise YamlError(line, f"with its aliases (*) written out the file has {TOO_MANY}")
        if len(place) > MAX_DEPTH:
            raise YamlError(
                lines[place[:2]], f"{dotted(place[:2])}: {TOO_DEEP}, or an alias (*) in it holds itself"
            )
        if isinstance(node, SequenceNode):
            items = holder[key] = [None] * len(node.value)
            inside = list(enumerate(node.value))
            pending += [(inner, (*place, index), items, index) for index, inner in reversed(inside)]
        elif isinstance(node, MappingNode):
            entries = list(_entries(node, place, lines))
            values = holder[key] = dict.fromkeys(name for name, _ in entries)
            pending += [(inner, (*place, name), values, name) for name, inner in reversed(entries)]
        else:
            characters += len(node.value)
            if characters > MAX_LENGTH:
                raise YamlError(line, f"with its aliases (*) written out the file is {LONG_TEXT}")
            holder[key] = _scalar(node)
    return document[0], lines


def _scalar(node: Node) -> Any:
    line = node.start_mark.line + 1
    construct = _SCALARS.get(str(node.tag).removeprefix(CORE))
    if construct is None:
        raise YamlError(line, f"the tag {node.tag} means nothing in a goals file")
    value = construct(node.value)
    if not is_storable(value):
        raise YamlError(line, "not YAML: a \\u escape is half of a surrogate pair, not a character")
    return value


def _entries(node: MappingNode, place: Place, lines: dict[Place, int]) -> Iterator[tuple[str, Node]]:
    seen: set[str] = set()
    for key_node, inner in node.value:
        line = key_node.start_mark.line + 1
        is_number = key_node.tag == CORE + "int" and key_node.value == str(_whole_number(key_node.value))
        if not isinstance(key_node, ScalarNode) or not (key_node.tag == CORE + "str" or is_number):
            written = f"the key {key_node.value}" if isinstance(key_node, ScalarNode) else "a key"
            raise YamlError(
                line, f"{dotted(place)}: {written} is not text; put it in quotes".removeprefix(": ")
            )
        key = key_node.value  # a whole number is an id
        if not is_storable(key):
            raise YamlError(line, "not YAML: a \\u escape is half of a surrogate pair, not a character")
        if key in seen:
            first = lines[*place, key]
            where = dotted((*place, key))
            raise YamlError(line, f"{where}: is given twice (first on line {first}); keep one")
        seen.add(key)
        lines[*place, key] = line
        yield key, inner
