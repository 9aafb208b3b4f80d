"""Terminal output: one console for every command, on which no value in the data can act as a control code.

Belongs here: escaping, widths, tables, JSON for machines. Does not: what is printed (the commands).
"""

import json
import os
import re
import sys
import unicodedata
from collections.abc import Callable, Iterable
from decimal import Decimal
from typing import Any

import rich.console
from rich.segment import Segment
from rich.table import Table
from rich.text import Text

# Piped output has no terminal width, and must not depend on where the command was started.
PIPED_WIDTH = 120

# Categories of characters that control the terminal instead of being shown, and those of category Cf that
# change the direction of the following text. (The others in Cf join letters and emoji.)
ACTING = {"Cc", "Cs", "Zl", "Zp"}
TURNING = set("\u061c\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")


def plain(text: str) -> str:
    """The text with every control character escaped (`\\x1b`), except line ends."""
    if text.isascii() and text.isprintable():
        return text
    return "".join(_spelled(letter) if _acts(letter) else letter for letter in text)


def _acts(letter: str) -> bool:
    return letter != "\n" and (letter in TURNING or unicodedata.category(letter) in ACTING)


def _spelled(letter: str) -> str:
    number = ord(letter)
    return f"\\x{number:02x}" if number < 0x100 else f"\\u{number:04x}"


def text(line: str, style: str = "") -> Text:
    """One line, with any content: no markup, no control characters."""
    return Text(one_line(line), style)


def one_line(text: str) -> str:
    """A value for a line or a cell: a name with a line end in it stays on one line."""
    return plain(text).replace("\n", "\\n")


class Console(rich.console.Console):
    """All output of a command goes through this class, so data are escaped in this one place: before layout
    if they come as text, and at the latest when they are written."""

    def render_str(self, text: str, **options: Any) -> Text:
        return super().render_str(plain(text), **options)

    def _render_buffer(self, buffer: Iterable[Segment]) -> str:
        return super()._render_buffer(
            segment if segment.control else segment._replace(text=plain(segment.text)) for segment in buffer
        )


def say(out: rich.console.Console, line: str = "", style: str = "") -> None:
    """Print a line without wrapping it, so that paths and sentences can be copied and searched for."""
    out.print(text(line, style), soft_wrap=True)


def console(*, stderr: bool = False) -> Console:
    """A console on the current standard output: later, the output of dbt and Great Expectations is
    redirected."""
    stream = sys.stderr if stderr else sys.stdout
    is_fixed = not stream.isatty() and not os.environ.get("COLUMNS", "").isdigit()
    return Console(
        file=stream, width=PIPED_WIDTH if is_fixed else None, highlight=False, markup=False, emoji=False
    )


def table(*columns: str) -> Table:
    """A table. The first column holds our own names; a column whose name ends in > holds numbers. Neither is
    cut or wrapped."""
    made = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0))
    for column in columns:
        name = column.removesuffix(">")
        is_number = name != column
        made.add_column(
            name,
            justify="right" if is_number else "left",
            overflow="fold",
            no_wrap=is_number or column == columns[0],
            vertical="top",
        )
    return made


def number(decimal: Decimal) -> int | float:
    return int(decimal) if decimal == decimal.to_integral_value() else float(decimal)


def as_json(document: object, decimal: Callable[[Decimal], Any] = number) -> str:
    """JSON with letters as they are; characters that control a terminal get JSON escapes."""

    def value(found: Any) -> Any:
        if isinstance(found, Decimal):
            return decimal(found)
        return found.isoformat() if hasattr(found, "isoformat") else str(found)

    told = json.dumps(document, default=value, ensure_ascii=False, indent=2)
    return re.sub(r"[^\n\x20-\x7e]", lambda found: _escaped(found[0]), told)


def _escaped(letter: str) -> str:
    return f"\\u{ord(letter):04x}" if _acts(letter) else letter
