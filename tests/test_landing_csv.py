"""CSV: records, their numbers, and those of the wrong length."""

import csv
import io
import random
from operator import itemgetter

import duckdb
import pyarrow as pa
import pytest
from landing_support import Landing

from orchestration.contract import RAW_TABLES
from orchestration.landing import csv_records
from orchestration.landing.csv_records import CsvRows
from orchestration.landing.rows import UnreadableFile


@pytest.fixture
def landing(tmp_path):
    return Landing(tmp_path)


def test_quotes_commas_and_line_ends_inside_quotes_are_kept(landing):
    assert landing.load_one(
        "workspaces/x.csv", 'workspace_id,name\r\n"w,1","say ""hi""\r\nthere"\r\nw2, spaces \r\n'
    ) == [(1, "w,1", 'say "hi"\r\nthere', None), (2, "w2", " spaces ", None)]


def test_empty_text_is_null_quoted_or_not(landing):
    rows = landing.load_one("workspaces/x.csv", 'workspace_id,name\nw1,\nw2,""\n"",x\n')
    assert rows == [(1, "w1", None, None), (2, "w2", None, None), (3, None, "x", None)]


def test_text_that_other_readers_take_for_null_or_for_a_type_is_text(landing):
    values = ["NULL", "null", "NA", "NaN", "\\n", "None", "true", "007", "1e3", "2026-01-01", "#", "'"]
    rows = landing.load_one("workspaces/x.csv", "workspace_id,name\n" + "".join(f"w,{v}\n" for v in values))
    assert [row[2] for row in rows] == values


def test_an_unquoted_backslash_n_is_null_and_a_quoted_one_is_text(landing):
    rows = landing.load_one("workspaces/x.csv", 'workspace_id,name\nw1,\\N\nw2,"\\N"\nw3,x\\N\n')
    assert [row[2] for row in rows] == [None, "\\N", "x\\N"]


@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
@pytest.mark.parametrize("begin", ["", "\ufeff", "sep={}\r\n", "\ufeffsep={}\n\n", "\n\n"])
def test_the_delimiter_is_the_one_with_which_the_header_holds_the_key(landing, delimiter, begin):
    others = "".join(other for other in ",;\t|" if other != delimiter)
    text = begin.format(delimiter) + f'name{delimiter}"a{others}"{delimiter}workspace_id\n'
    text += f'x{others}y{delimiter}{delimiter}"w{delimiter}1"\n\n{delimiter}\n'
    assert landing.load_one("workspaces/x.csv", text) == [
        (1, f"w{delimiter}1", f"x{others}y", None),
        (2, None, None, delimiter),
    ]
    assert landing.query("select csv_delimiter, csv_fields from raw.files") == [(delimiter, 3)]


def test_a_refused_header_is_told_with_the_delimiters_and_what_is_needed(landing):
    landing.put("deliveries/x.csv", "id;workspace_id;mail\x1b[31m," + "x" * 300 + "\n1;2;3\n")
    landing.put("deliveries/y.csv", "a:b:c\n1:2:3\n")
    landing.load()
    tried = "The delimiters tried were , ; tab |;"
    assert landing.ledger() == {
        "deliveries/x.csv": f"It has no column delivery_id. {tried} split by ; its header is "
        f'"id, workspace_id, mail\\x1b[31m,{"x" * 172}…". It needs at least workspace_id, delivery_id.',
        "deliveries/y.csv": f"It has no column workspace_id and no column delivery_id. {tried} split by , "
        'its header is "a:b:c". It needs at least workspace_id, delivery_id.',
    }


@pytest.mark.parametrize("bad", ["w2", "w2,a,b", "w2,a,", ",,", '"w2', "w2,a,b,c,d", '"w2\n","",""'])
def test_a_record_of_another_length_is_kept_whole_and_the_others_load(landing, bad):
    closes = not bad.startswith('"w2') or bad.endswith('"')
    text = f"workspace_id,name\nw1,a\n{bad}\n" + ("w3,c\n" if closes else "")
    rows = landing.load_one("workspaces/x.csv", text)
    assert rows[0] == (1, "w1", "a", None)
    assert rows[1][:3] == (2, None, None)
    assert rows[1][3].rstrip("\n") == bad
    assert rows[2:] == ([(3, "w3", "c", None)] if closes else [])


@pytest.mark.parametrize(
    "text",
    [
        "workspace_id,name\nw1,a",
        "\ufeffworkspace_id,name\nw1,a\n",
        "workspace_id,name\r\nw1,a\r\n",
        "workspace_id,name\rw1,a\r",
        '"workspace_id","name"\n"w1","a"\n',
        "\nworkspace_id,name\n\n\nw1,a\n\n",
        "name,workspace_id\na,w1\n",
    ],
)
def test_line_ends_blank_lines_a_byte_order_mark_and_the_order_of_columns_make_no_difference(landing, text):
    assert landing.load_one("workspaces/x.csv", text) == [(1, "w1", "a", None)]


@pytest.mark.parametrize("text", ["workspace_id,name", "workspace_id,name\n"])
def test_a_header_alone_is_a_file_without_rows(landing, text):
    assert landing.load_one("workspaces/x.csv", text) == []
    assert landing.ledger() == {"workspaces/x.csv": "loaded"}


def test_a_single_column_needs_no_comma(landing):
    rows = landing.load_one("workspaces/x.csv", "workspace_id\nw1\n\nw2,\nw3\n")
    assert rows == [(1, "w1", None, None), (2, None, None, "w2,"), (3, "w3", None, None)]


def test_a_long_value_is_no_problem(landing):
    assert landing.load_one("workspaces/x.csv", f"workspace_id,name\nw1,{'x' * 9_000_000}\n")[0][1] == "w1"


def test_a_value_without_end_is_the_fault_of_the_file(landing, monkeypatch):
    monkeypatch.setattr(csv_records, "RECORD_BYTES", 2**20)
    landing.put("workspaces/x.csv", 'workspace_id,name\nw1,"' + "x\n" * 2**21)
    landing.load()
    assert "a record longer than 64 MB: is a quote" in landing.ledger()["workspaces/x.csv"]


def test_a_file_of_nothing_but_wrong_records_keeps_them_all(landing, monkeypatch):
    monkeypatch.setattr(csv_records, "RECORD_BYTES", 100)
    rows = landing.load_one("workspaces/x.csv", "workspace_id,name\n" + "w1,a,\n" * 1000)
    assert rows == [(number, None, None, "w1,a,") for number in range(1, 1001)]


def as_python_reads_it(text: str) -> list[tuple]:
    records = [record for record in csv.reader(io.StringIO(text, newline="")) if record][1:]
    return [
        (number, record[0] or None, record[1] or None) if len(record) == 2 else (number, None, None)
        for number, record in enumerate(records, 1)
    ]


def test_any_text_reads_as_the_csv_module_reads_it_wherever_a_block_ends(tmp_path, monkeypatch):
    monkeypatch.setattr(csv_records, "RECORD_BYTES", 64)
    pieces = [
        "a",
        "é",
        ",",
        "\n",
        "\r",
        "\r\n",
        '"',
        '" ',
        " ",
        "a,b\n",
        '"x,\r\n""y",z\n',
        "1,2\r\n",
        "1,2,\n",
    ]
    seed = random.randrange(2**32)
    chance = random.Random(seed)
    file = tmp_path / "x.csv"
    connection = duckdb.connect()
    compared = 0
    for _ in range(400):
        text = "".join(["workspace_id,name\n", *chance.choices(pieces, k=chance.randint(0, 60)), "\n"])
        file.write_text(text, encoding="utf-8", newline="")
        rows = CsvRows(connection, RAW_TABLES["workspaces"], file, compression=None, most_bytes=10**9)
        try:
            with rows.open() as stream:
                columns = pa.Table.from_batches(rows.batches(stream), rows.schema)
        except UnreadableFile as error:
            assert "a record longer" in str(error), f"seed {seed}"  # than these small blocks
            continue
        read = zip(
            columns["row_number"].to_pylist(),
            *([text or None for text in columns[name].to_pylist()] for name in ["0", "1"]),
            strict=True,
        )
        assert sorted(read, key=itemgetter(0)) == as_python_reads_it(text), f"seed {seed}: {text!r}"
        compared += 1
    assert compared > 200
