"""YAML 1.2 text as the JSON document it means, and the line of each of its places.

Belongs here: YAML's own rules, exactly the core schema of YAML 1.2 (`NO` and dates are text, as are `1_000`
and `<<`). Does not: what a document should hold (shape.py), files (yaml_files.py).
"""

import re
from collections.abc import Iterator
from typing import Any

from ruamel.yaml import YAML
from ruamel.yaml.error import MarkedYAMLError, YAMLError
from ruamel.yaml.nodes import MappingNode, Node, ScalarNode, SequenceNode
from ruamel.yaml.resolver import VersionedResolver

from orchestration.goals.reading import decimal_number, require_characters, whole_number
from orchestration.goals.shape import Place, dotted

CORE = "tag:yaml.org,2002:"


class YamlError(Exception):
    def __init__(self, line: int, text: str) -> None:
        super().__init__(text)
        self.line = line


def parse_yaml(text: str) -> tuple[Any, dict[Place, int]]:
    """The document, and the line on which each key or list item begins. Raises YamlError."""
    lines: dict[Place, int] = {}
    yaml = YAML(typ="safe", pure=True)
    yaml.Resolver = _CoreSchema
    try:
        node = yaml.compose(text)
        document = {} if node is None else _value(node, (), lines)
        require_characters(document)
    except MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        raise YamlError(mark.line + 1 if mark else 1, f"not YAML: {error.problem or error.context}") from None
    except (YAMLError, ValueError) as error:
        line = text.count("\n", 0, getattr(error, "position", 0)) + 1
        raise YamlError(line, f"not YAML: {getattr(error, 'reason', error)}") from None
    except RecursionError:
        raise YamlError(1, "nested too deeply, or an alias (*) holds itself") from None
    return document, lines


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


def _value(node: Node, place: Place, lines: dict[Place, int]) -> Any:
    lines.setdefault(place, node.start_mark.line + 1)
    if isinstance(node, SequenceNode):
        return [_value(item, (*place, index), lines) for index, item in enumerate(node.value)]
    if isinstance(node, MappingNode):
        return {key: _value(inner, (*place, key), lines) for key, inner in _entries(node, place, lines)}
    construct = _SCALARS.get(str(node.tag).removeprefix(CORE))
    if construct is None:
        raise YamlError(node.start_mark.line + 1, f"the tag {node.tag} means nothing in a goals file")
    return construct(node.value)


def _entries(node: MappingNode, place: Place, lines: dict[Place, int]) -> Iterator[tuple[str, Node]]:
    seen: set[str] = set()
    for key_node, inner in node.value:
        line = key_node.start_mark.line + 1
        if not isinstance(key_node, ScalarNode) or key_node.tag != CORE + "str":
            written = f"the key {key_node.value}" if isinstance(key_node, ScalarNode) else "a key"
            raise YamlError(
                line, f"{dotted(place)}: {written} is not text; put it in quotes".removeprefix(": ")
            )
        key = key_node.value
        if key in seen:
            first = lines[*place, key]
            where = dotted((*place, key))
            raise YamlError(line, f"{where}: is given twice (first on line {first}); keep one")
        seen.add(key)
        lines[*place, key] = line
        yield key, inner
