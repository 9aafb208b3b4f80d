"""JSONL: lines, which lines are JSON objects, and values as text."""

import json

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from landing_support import Landing

from orchestration.landing import json_records


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


def test_an_array_of_objects_reads_as_its_elements_however_it_is_written(landing):
    rows = [{"workspace_id": "w1", "name": {"a": '[{,\\"}'}}, {"name": None, "workspace_id": "w2"}]
    for number, indent in enumerate([None, 0, 1, "\t"]):
        landing.put(f"workspaces/{number}.jsonl", "\ufeff\r\n " + json.dumps(rows, indent=indent) + "\n\n")
    assert landing.load().set_aside == []
    assert landing.workspaces() == [(1, "w1", r'{"a":"[{,\\\"}"}', None), (2, "w2", None, None)] * 4


def test_the_row_number_in_an_array_is_the_place_and_what_is_no_object_is_kept_whole(landing):
    text = '[{"workspace_id": "w1"},\n 7, {bad: 1},\n{"workspace_id": NaN}, [{}], {"workspace_id": "w2"},\n]'
    assert landing.load_one("workspaces/x.json", text) == [
        (1, "w1", None, None),
        (2, None, None, "7"),
        (3, None, None, "{bad: 1}"),
        (4, None, None, '{"workspace_id": NaN}'),
        (5, None, None, "[{}]"),
        (6, "w2", None, None),
        (7, None, None, ""),
    ]


@pytest.mark.parametrize("text", ["[]", " [ ]\n", "[\n\n]"])
def test_an_empty_array_has_no_rows(landing, text):
    assert landing.load_one("workspaces/x.json", text) == []
    assert landing.ledger() == {"workspaces/x.json": "loaded"}


def test_an_array_reads_the_same_wherever_a_block_ends(landing, monkeypatch):
    rows = [{"workspace_id": f"w{n}", "name": 'é\\" [{' * (n % 5), "x": [[], {"y": n}]} for n in range(200)]
    for size in (1, 7, 64, 1000):
        monkeypatch.setattr(json_records, "BLOCK_BYTES", size)
        landing.put(f"workspaces/{size}.json", json.dumps(rows, indent=1, ensure_ascii=False))
    landing.load()
    expected = [(n + 1, row["workspace_id"], row["name"] or None, None) for n, row in enumerate(rows)]
    assert landing.workspaces() == expected * 4


def test_a_number_that_is_whole_is_its_integer_text_in_an_id_and_text_stays_text(landing):
    numbers = {
        **{"42345": "42345", "42345.0": "42345", "1e17": "100000000000000000", "4.2e1": "42", "-0.0": "0"},
        **{'"42345.0"': "42345.0", '"1e17"': "1e17", "42.5": "42.5", "true": "true", '"1.0"': "1.0"},
    }
    lines = [f'{{"workspace_id": {number}, "name": 1.0, "sequence": {number}}}' for number in numbers]
    landing.load_one("workspaces/x.jsonl", "\n".join(lines))
    assert [row[1] for row in landing.workspaces()] == list(numbers.values())
    assert landing.query("select sequence, name from raw.workspaces order by row_number") == [
        (text, "1.0") for text in numbers.values()
    ]


HALVES = {
    r'{"a":"\ud83d"}': '{"a":"\ufffd"}',
    r'{"a":"\uDE00x"}': '{"a":"\ufffdx"}',
    r'{"\ud83d\ud83d\ude00":1}': '{"\ufffd😀":1}',
    r'{"a":"\\ud83d"}': r'{"a":"\\ud83d"}',
    r'{"a":"\\\ud83d"}': '{"a":"\\\\\ufffd"}',
}


def test_half_a_surrogate_pair_is_the_replacement_character(landing):
    """Nested, in a text of its own, and in JSON text inside JSON, CSV and Parquet."""
    for half, mended in HALVES.items():
        assert json.loads(half) != {} and json.loads(mended) != {}
    lines = [f'{{"workspace_id": "w", "event_id": "\\ud83d", "properties": {half}}}' for half in HALVES]
    landing.put("events/a.jsonl", "\n".join(lines))
    texts = [{"workspace_id": "w", "event_id": "e", "properties": half} for half in HALVES]
    landing.put("events/b.json", json.dumps(texts))
    quoted = [half.replace('"', '""') for half in HALVES]
    records = "".join(f'w,e,"{text}"\n' for text in quoted)
    landing.put("events/c.csv", "workspace_id,event_id,properties\n" + records)
    pq.write_table(pa.Table.from_pylist(texts), landing.put("events/d.parquet", ""))
    assert landing.load().set_aside == []
    query = "select event_id, properties, raw_record from raw.events order by file_id, row_number"
    found = landing.query(query)
    assert [json.loads(properties) for _, properties, _ in found] == [
        json.loads(mended) for mended in HALVES.values()
    ] * 4
    assert {event_id for event_id, _, _ in found} == {"\ufffd", "e"}
    assert {record for _, _, record in found} == {None}


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
