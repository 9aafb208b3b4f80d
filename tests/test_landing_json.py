"""JSONL: lines, what is a JSON object and what is not, and values as text."""

import json

import pytest
from landing_support import Landing


@pytest.fixture
def landing(tmp_path):
    return Landing(tmp_path)


def load_line(landing: Landing, line: str) -> tuple:
    [row] = landing.load_one("workspaces/x.jsonl", line)
    return row


VALUES = {
    '"Acme"': "Acme",
    '""': None,
    "null": None,
    '"null"': "null",
    "true": "true",
    "12": "12",
    "-0.5": "-0.5",
    "123456789012345678901234567890": "123456789012345678901234567890",
    '"  x "': "  x ",
    r'"\u00e9\n\t\"\\\/"': 'é\n\t"\\/',
    r'"\ud83d\ude00"': "😀",
    r'"a\u0000b"': "a\0b",
    '{ "b" : 1, "a" : [ 1, 2 ], "b" : 2 }': '{"b":1,"a":[1,2],"b":2}',
    '[{"x": null}, "y"]': '[{"x":null},"y"]',
    "{}": "{}",
}


def test_a_value_is_kept_as_text(landing):
    rows = landing.load_one(
        "workspaces/x.jsonl", "".join(f'{{"workspace_id": "w1", "name": {value}}}\n' for value in VALUES)
    )
    assert dict(zip(VALUES, [name for _, _, name, _ in rows], strict=True)) == VALUES


def test_of_a_repeated_key_the_first_wins(landing):
    assert load_line(landing, '{"name": "a", "workspace_id": "w1", "name": "b"}') == (1, "w1", "a", None)


def test_a_key_below_the_top_is_not_the_column(landing):
    assert load_line(landing, '{"x": {"workspace_id": "w2"}, "workspace_id": "w1"}') == (1, "w1", None, None)


def test_the_row_number_is_the_line_and_blank_lines_count(landing):
    text = (
        '\n{"workspace_id": "w1"}\r\n\r\n  \t\n{"workspace_id": "w2"}\nnot json\r\n\n{"workspace_id": "w3"}'
    )
    assert landing.load_one("workspaces/x.jsonl", text) == [
        (2, "w1", None, None),
        (5, "w2", None, None),
        (6, None, None, "not json"),
        (8, "w3", None, None),
    ]


def test_a_byte_order_mark_is_no_part_of_the_first_line(landing):
    assert load_line(landing, '\ufeff{"workspace_id": "w1"}\n') == (1, "w1", None, None)


@pytest.mark.parametrize("text", ["", "\n", "\n\n\r\n"])
def test_a_file_of_blank_lines_has_no_rows(landing, text):
    assert landing.load_one("workspaces/x.jsonl", text) == []
    assert landing.ledger() == {"workspaces/x.jsonl": "loaded"}


def test_other_line_ends_inside_a_line_do_not_end_it(landing):
    assert load_line(landing, '{"workspace_id":\r"w1", "name": "a\u2028\u0085b"}\n') == (
        1,
        "w1",
        "a\u2028\u0085b",
        None,
    )


def test_a_line_may_be_longer_than_a_block(landing):
    long = "x" * 20_000_000
    landing.put("workspaces/x.jsonl", f'{{"workspace_id": "w1", "name": "{long}"}}\n{{"workspace_id": "w2"}}')
    landing.load()
    assert landing.query("select row_number, workspace_id, length(name) from raw.workspaces") == [
        (1, "w1", 20_000_000),
        (2, "w2", None),
    ]


def as_rfc_8259(line: str) -> bool:
    def refuse(constant: str) -> None:
        raise ValueError(constant)

    try:
        return isinstance(json.loads(line, parse_constant=refuse), dict)
    except ValueError:
        return False


LINES = [
    *(
        "[1]",
        "1",
        '"x"',
        "null",
        "true",
        "x",
        "{",
        '{"a":1',
        '{"a":1}}',
        '{"a":1} {"b":2}',
        "{a:1}",
        "{'a':1}",
    ),
    *('{"a":1,}', '{"a":[1,]}', '{"a":[1 , ],"b":"c"}', '{"a":{"b":1,\t}}', "{,}", '{"a":,}', '{"a":"x",}'),
    *(
        '{"a":NaN}',
        '{"a":nan}',
        '{"a":-NaN}',
        '{"a": Infinity}',
        '{"a":[1,-Infinity]}',
        '{"a":inf}',
        '{"a":-iNf}',
    ),
    *('{"a":01}', '{"a":+1}', '{"a":.5}', '{"a":1.}', '{"a":0x1}', '{"a":True}', '{"a":"\t"}', '{"a":"\\x"}'),
    *(
        '{"a":1}//',
        '/**/{"a":1}',
        '{"a":1}\0',
        '{"a":1}\xa0',
        '{"a":1}\x0c',
        '{"a":"\\u12"}',
        '{"a":1 "b":2}',
    ),
    *('{"a":"NaN"}', '{"a":":NaN,"}', '{"a":",]"}', '{"a":"\\",}"}', '{"a":"[inf]","b":"\\\\"}', '{",}":1}'),
    *(
        '{"a":",}","b":1,}',
        '{"a":"\\\\","b":NaN}',
        '{"nan":1}',
        '{"a":{"inf":[-1,2]}}',
        '{"a":"finance, nan"}',
    ),
    *('{"":1}', ' {"a":1} ', '{"a":1e5,"b":-0,"c":1E+2}', '{"a":"\\ud83d\\ude00"}', '{"a":[],"b":{}}', "{}"),
    *('{"a/b":1,"~":2,"a~b":3,"\\"":4}', '{"a":1e999}', '{"a":"' + "\\\\" * 999 + '"}'),
]


def test_a_line_that_is_no_json_object_is_kept_whole(landing):
    landing.put("workspaces/x.jsonl", "\n".join(LINES))
    landing.load()
    kept = {number: record for number, _, _, record in landing.workspaces()}
    assert kept == {number: None if as_rfc_8259(line) else line for number, line in enumerate(LINES, 1)}


def test_many_unknown_keys_do_not_flood_the_ledger(landing):
    landing.put("workspaces/x.jsonl", json.dumps({f"k{number}": 1 for number in range(1000)}))
    landing.load()
    assert landing.query("select len(unknown_columns) from raw.files") == [(100,)]


def test_nesting_without_end_breaks_nothing(landing):
    deep = "[" * 200_000 + "]" * 200_000
    assert load_line(landing, f'{{"workspace_id": "w1", "name": {deep}}}')[2] == deep
