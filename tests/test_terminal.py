"""Data in printed output: one place escapes it, at any width and for any output."""

import io
import json
from decimal import Decimal

import pytest
from rich.table import Table

from orchestration.terminal import Console, as_json, plain, say, text


@pytest.mark.parametrize(
    ("written", "shown"),
    [
        ("Größe 春 👩‍👩‍👧 \u00a0", "Größe 春 👩‍👩‍👧 \u00a0"),
        ("\x1b]0;gone\x07", "\\x1b]0;gone\\x07"),
        ("\x9b31m", "\\x9b31m"),
        ("a\u202eb", "a\\u202eb"),
        ("a\rb\tc", "a\\x0db\\x09c"),
        ("\udcff.csv", "\\udcff.csv"),
    ],
)
def test_letters_stay_and_what_acts_on_a_terminal_is_spelled_out(written: str, shown: str):
    assert plain(written) == shown


def printed(*objects: object, **options) -> str:
    output = io.StringIO()
    console = Console(file=output, width=80, markup=False, **options)
    for each in objects:
        console.print(each)
    return output.getvalue()


def test_nothing_steers_the_terminal_however_it_is_printed():
    hostile = "\x1b[2J\x9b1m\u202e"
    table = Table(hostile)
    table.add_row(hostile)
    for output in (printed(hostile, text(hostile), table), printed(hostile, table, force_terminal=True)):
        assert "\\x1b[2J" in output
        assert "\x1b[2J" not in output and "\x9b" not in output and "\u202e" not in output


def test_an_end_of_line_in_a_name_does_not_begin_a_new_one():
    output = io.StringIO()
    say(Console(file=output, width=20), "a\nPublished: everything " + "x" * 40)
    assert output.getvalue().count("\n") == 1


def test_json_for_machines_keeps_letters_and_escapes_what_acts():
    document = {"name": "春 \x1b \x9b \udcff", "amount": Decimal("1.50"), "count": Decimal("3")}
    told = as_json(document)
    assert "春" in told and "\\u001b" in told and "\\u009b" in told and "\\udcff" in told
    assert json.loads(told) == {"name": "春 \x1b \x9b \udcff", "amount": 1.5, "count": 3}
