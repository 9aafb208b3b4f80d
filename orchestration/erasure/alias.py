"""What stands in the place of a value.

Belongs here: an id, an e-mail address, a JSON object, as pure functions. Does not: which rows have them
(rows.py).
"""

import json
import re
import secrets
from collections.abc import Collection, Iterable
from typing import Any

from orchestration.erasure.people import Person
from orchestration.goals.reading import first_wins, no_constant

# It sorts after every id of ASCII. So of two rows that differ only in it, this one stands (contract.md,
# section 2): an erased event or delivery that is sent again stays the erased person's.
PREFIX = "~forgotten-"
TEXT = "forgotten"  # in place of text that cannot be read: it is no JSON, no time, no number
E_MAIL = re.compile(r"[^\s\"'<>,;:()\[\]{}\\@/?&=|]+(?:@|%40)([\w-]+(?:\.[\w-]+)+)")


class Alias:
    """A person's new name, and what becomes of text that may contain the old one."""

    def __init__(self, person: Person, name: str) -> None:
        self.person, self.name = person, name
        escaped = re.escape(person.profile_id)
        self._token = re.compile(rf"(?<![^\W_]){escaped}(?![^\W_])")
        self._value = re.compile(rf"(?<![\w.@+-]){escaped}(?![\w.@+-])")
        self._numbers: dict[str, int] = {}  # of e-mail addresses: equal ones stay equal
        # Elsewhere than in a key, a short id or a number may be anything.
        self.is_telling = len(person.profile_id) >= 6 and not person.profile_id.isdigit()
        self.needles = {person.profile_id} if self.is_telling else set()

    def in_key(self, text: str) -> str:
        return self._token.sub(lambda _: self.name, self._without_addresses(text))

    def in_text(self, text: str) -> str:
        return self.in_key(text) if self.is_telling else self._without_addresses(text)

    def is_in(self, text: str) -> bool:
        """Does the text have the id, if it is telling, or an address of the person?"""
        addresses = self.needles - {self.person.profile_id}
        return (self.is_telling and self.is_value_in(text)) or any(each in text for each in addresses)

    def is_value_in(self, record: str) -> bool:
        """Does a record that could not be read have a value that is the id?"""
        return bool(self._value.search(record))

    def learn_addresses(self, text: str) -> None:
        self.needles |= {found[0] for found in E_MAIL.finditer(text)}

    def _without_addresses(self, text: str) -> str:
        """The domain stays: a definition may read it."""
        return E_MAIL.sub(self._address, text) if "@" in text or "%40" in text else text

    def _address(self, found: re.Match[str]) -> str:
        if found[0].startswith(PREFIX):
            return found[0]
        number = self._numbers.setdefault(found[0], len(self._numbers) + 1)
        return f"{self.name}.{number}@{found[1]}"


def keep_properties(text: str, pointers: Collection[str], alias: Alias) -> str:
    """A JSON object with nothing but these properties, their numbers as they were written. `TEXT` for what is
    no JSON object."""
    mark = secrets.token_hex(8)

    def marked(number: str) -> str:
        return mark + number

    try:
        document = json.loads(
            text,
            parse_int=marked,
            parse_float=marked,
            parse_constant=no_constant,
            object_pairs_hook=first_wins,
        )
        if not isinstance(document, dict):
            return TEXT
        kept = _kept(document, _tree(pointers), alias)
        return re.sub(
            rf'"{mark}([^"]*)"', r"\1", json.dumps({} if kept is NOTHING else kept, separators=(",", ":"))
        )
    except RecursionError:
        return "{}"
    except ValueError:
        return TEXT


NOTHING = object()


def _kept(value: Any, tree: dict[str, Any], alias: Alias) -> Any:
    if None in tree:
        return _without_names(value, alias)
    if isinstance(value, dict):
        inner = {key: _kept(each, tree[key], alias) for key, each in value.items() if key in tree}
        found = {key: each for key, each in inner.items() if each is not NOTHING}
        return found if found else NOTHING
    if isinstance(value, list):
        inner = [_kept(each, tree.get(str(place), {}), alias) for place, each in enumerate(value)]
        return [None if each is NOTHING else each for each in inner]
    return NOTHING


def _without_names(value: Any, alias: Alias) -> Any:
    if isinstance(value, str):
        return alias.in_text(value)
    if isinstance(value, list):
        return [_without_names(each, alias) for each in value]
    if isinstance(value, dict):
        return {alias.in_text(key): _without_names(each, alias) for key, each in value.items()}
    return value


def _tree(pointers: Iterable[str]) -> dict:
    """Pointers as nested dicts of their steps; the key None says that a pointer ends there."""
    tree: dict = {}
    for pointer in pointers:
        place = tree
        for step in pointer.split("/")[1:]:
            place = place.setdefault(step.replace("~1", "/").replace("~0", "~"), {})
        place[None] = True
    return tree
