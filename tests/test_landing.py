"""Which files are loaded, which are not, and what the warehouse keeps of both."""

import bz2
import gzip
import hashlib
import os
from typing import ClassVar

import duckdb
import fastavro
import fsspec
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from fsspec.implementations.memory import MemoryFileSystem
from landing_support import Landing

from orchestration.errors import GoalpostError
from orchestration.landing import Ignored, land, land_new_files

CSV = "workspace_id,name\nw1,Acme\nw2,\n"
JSONL = '{"workspace_id": "w1", "name": "Acme"}\n{"workspace_id": "w2", "name": ""}\n'
ROWS = [(1, "w1", "Acme", None), (2, "w2", None, None)]


@pytest.fixture
def landing(tmp_path):
    return Landing(tmp_path)


@pytest.fixture
def parquet(tmp_path):
    path = tmp_path / "workspaces.parquet"
    duckdb.sql(f"copy (select * from (values ('w1', 'Acme'), ('w2', '')) _(workspace_id, name)) to '{path}'")
    return path.read_bytes()


def test_every_format_gives_the_same_rows_whatever_the_case_of_its_suffix(landing, parquet):
    array = "[" + JSONL.strip().replace("\n", ",\n") + "]"
    packings = {"": bytes, ".gz": gzip.compress, ".BZ2": bz2.compress, ".zst": zstd, ".GZ": gzip.compress}
    texts = [("csv", CSV), ("tsv", CSV.replace(",", "\t")), ("TSV", CSV), ("CSV", CSV.replace(",", ";"))]
    texts += [(suffix, text) for suffix in ("jsonl", "ndjson", "json", "Json") for text in (JSONL, array)]
    files = 0
    for suffix, text in texts:
        for packing, pack in packings.items():
            landing.put(f"workspaces/{files}.{suffix}{packing}", "").write_bytes(pack(text.encode()))
            files += 1
    landing.put("workspaces/x.PARQUET", parquet)
    schema = {
        "type": "record",
        "name": "workspace",
        "fields": [{"name": name, "type": "string"} for name in ("Workspace_id", "name")],
    }
    with landing.put("workspaces/x.Avro", "").open("wb") as file:
        fastavro.writer(
            file, schema, [{"Workspace_id": "w1", "name": "Acme"}, {"Workspace_id": "w2", "name": ""}]
        )
    report = landing.load()
    assert report.set_aside == [] and report.ignored == ()
    assert landing.workspaces() == ROWS * (files + 2)


def zstd(content: bytes) -> bytes:
    return pa.compress(content, "zstd", asbytes=True)


@pytest.mark.parametrize(("suffix", "pack"), [("gz", gzip.compress), ("bz2", bz2.compress), ("zst", zstd)])
def test_a_packed_file_may_have_many_members_that_end_anywhere(landing, suffix, pack):
    content = JSONL.encode()
    members = [content[start : start + 7] for start in range(0, len(content), 7)]
    landing.put("workspaces/x.jsonl." + suffix, "").write_bytes(b"".join(map(pack, members)))
    landing.load()
    assert landing.workspaces() == ROWS


def test_the_ledger_says_what_was_loaded_in_the_order_of_loading(landing):
    landing.put("workspaces/b.csv", CSV)
    landing.put("workspaces/a.csv", CSV + "w3,Third\n")
    landing.load()
    assert landing.query(
        "select file_id, table_name, path, length(content_hash), size_bytes, rows, outcome, reason, "
        "abs(epoch(loaded_at) - epoch(now()::timestamp)) < 60 from raw.files order by file_id"
    ) == [
        (1, "workspaces", "workspaces/a.csv", 64, 39, 3, "loaded", None, True),
        (2, "workspaces", "workspaces/b.csv", 64, 30, 2, "loaded", None, True),
    ]


def test_a_file_loads_wherever_it_lies_in_its_folder_and_whatever_its_name(landing, parquet):
    paths = [
        "workspaces/2026/11/x.csv",
        "workspaces/workspace_id=w9/date=2026-11-22/x.csv",
        'workspaces/it\'s *[a]? "file"; drop table raw.files --.csv',
        "workspaces/ÉTÉ 100%.CSV",
    ]
    for path in paths:
        landing.put(path, CSV)
        landing.put(path + ".parquet", parquet)
    landing.load()
    assert landing.workspaces() == ROWS * 8
    assert set(landing.ledger()) == {*paths, *(path + ".parquet" for path in paths)}


def test_the_same_file_again_is_nothing_new_even_if_it_was_touched(landing):
    file = landing.put("workspaces/x.csv", CSV)
    landing.load()
    before = landing.query("select * exclude fingerprint from raw.files")
    assert landing.load().files == ()
    os.utime(file, (1, 1))
    assert landing.load().files == ()
    assert landing.query("select * exclude fingerprint from raw.files") == before
    assert landing.workspaces() == ROWS


def test_only_files_that_changed_are_looked_at(landing):
    looked_at = []
    for path in ["workspaces/x.csv", "workspaces/y.csv"]:
        landing.put(path, CSV)
        land_new_files(landing.settings, on_progress=lambda *progress: looked_at.append(progress))
    assert looked_at == [(0, 1, "workspaces/x.csv"), (0, 1, "workspaces/y.csv")]


def test_changed_content_under_an_old_path_is_a_new_file_and_the_old_rows_stay(landing):
    landing.put("workspaces/x.csv", CSV)
    landing.load()
    landing.put("workspaces/x.csv", "workspace_id,name\nw1,Other\n")
    landing.load()
    landing.put("workspaces/x.csv", CSV)
    assert landing.load().files == ()
    assert landing.workspaces() == [*ROWS, (1, "w1", "Other", None)]


def test_the_same_content_under_two_paths_is_two_files(landing):
    landing.put("workspaces/x.csv", CSV)
    landing.put("workspaces/y.csv", CSV)
    landing.load()
    assert landing.workspaces() == ROWS * 2


def test_a_landing_that_moves_is_the_same_landing(landing, tmp_path):
    landing.put("workspaces/x.csv", CSV)
    landing.load()
    landing.folder.rename(tmp_path / "moved")
    moved = Landing(tmp_path, str(tmp_path / "moved"))
    assert moved.load().files == ()


def test_unknown_columns_are_left_out_and_reported_in_every_format(landing, tmp_path):
    landing.put("workspaces/a.csv", "workspace_id,colour,plan\nw1,x,y\n")
    landing.put(
        "workspaces/b.jsonl", '{"workspace_id": "w1", "colour": 1, "plan": {"name": 2}, "name": null}\nno\n'
    )
    path = tmp_path / "x.parquet"
    duckdb.sql(f"copy (select 'w1' as workspace_id, 1 as colour, 2 as plan) to '{path}'")
    landing.put("workspaces/c.parquet", path.read_bytes())
    landing.load()
    assert landing.query("select unknown_columns from raw.files") == [(["colour", "plan"],)] * 3
    assert [row[1:3] for row in landing.workspaces() if row[3] is None] == [("w1", None)] * 3


def test_column_names_go_without_case_and_blanks_and_of_equal_ones_the_first_counts(landing):
    landing.put("workspaces/a.csv", " Workspace_ID , NAME,name\nw1,first,second\n")
    landing.put("workspaces/b.tsv", '"WORKSPACE_ID"\t"Name "\t"name"\nw1\tfirst\tsecond\n')
    table = pa.table([["w1"], ["first"], ["second"]], names=["WORKSPACE_ID", " Name", "name"])
    pq.write_table(table, landing.put("workspaces/c.parquet", ""))
    landing.load()
    assert landing.workspaces() == [(1, "w1", "first", None)] * 3
    assert landing.query("select unknown_columns from raw.files") == [(["name"],)] * 3


def test_keys_of_json_go_by_their_case(landing):
    landing.load_one("workspaces/x.jsonl", '{"Workspace_id": "w1", "workspace_id": "w2"}')
    assert landing.workspaces() == [(1, "w2", None, None)]


def test_a_column_that_is_not_there_is_null(landing):
    assert landing.load_one("workspaces/x.csv", "workspace_id\nw1\n") == [(1, "w1", None, None)]


# What cannot be read


def test_an_unreadable_file_is_set_aside_whole_and_stops_nothing(landing):
    gzipped = gzip.compress(CSV.encode())
    zstd_packed = zstd(CSV.encode())
    unreadable = [
        (".parquet", b"", "It is not a readable Parquet file"),
        (".parquet", b"PAR1 not really PAR1", "It is not a readable Parquet file"),
        (".csv", b"", "It has no header."),
        (".csv", b"\xef\xbb\xbf", "It has no header."),
        (".csv", b"\n\n\n", "It has no header."),
        (
            ".csv",
            b"name,currency\nAcme,USD\n",
            "It has no column workspace_id. The delimiters tried were , ; tab |;",
        ),
        (".csv", b"workspace_id,name\nw1,\xff\n", "It is not UTF-8: the byte 0xFF in "),
        (".csv", b"workspace_id,name\nw1,a,\xff\n", "It is not UTF-8: the byte 0xFF in "),
        (".csv", b"workspace_id,name\nw1,a\xc3", "It is not UTF-8: it ends inside a character."),
        (".csv", b"workspace_id,na\xffme\nw1,a\n", "It is not UTF-8: the byte 0xFF in "),
        (".csv", "workspace_id;name\nw;Jörg\n".encode("latin-1"), "It is not UTF-8: the byte 0xF6 in "),
        (".csv", CSV.encode("utf-16"), "It is UTF-16, not UTF-8: export it as UTF-8."),
        (".csv", CSV.encode("utf-16-le"), "It is UTF-16, not UTF-8: export it as UTF-8."),
        (".json", JSONL.encode("utf-16-be"), "It is UTF-16, not UTF-8: export it as UTF-8."),
        (
            ".jsonl",
            b'{"workspace_id": "w1"}\n{"workspace_id": "\xff"}\n',
            "It is not UTF-8: the byte 0xFF in ",
        ),
        (
            ".json",
            b'[{"workspace_id": "w1"}, {"workspace_id": "\xff"}]',
            "It is not UTF-8: the byte 0xFF in ",
        ),
        (".json", b'[{"workspace_id": "w1"}, {"workspace_id": "w2"', "Its array is never closed"),
        (".json", b'[{"workspace_id": "w1"}] [{}]', 'After its array comes "[{}]"'),
        (
            ".csv.gz",
            CSV.encode(),
            'It is not packed, though its name ends in .gz: it begins with "workspace_id,',
        ),
        (".csv.gz", gzipped[:-9], "It is not a complete gzip file"),
        (".csv.gz", gzipped[:-8] + b"checksum", "It is not a complete gzip file"),
        (".csv.gz", gzipped + b"more", "It is not a complete gzip file"),
        (".csv.gz", gzip.compress(gzipped), "Its packed content is gzip, not text"),
        (".csv.zst", zstd_packed[:-3], "It is not a complete zstd file"),
        (".csv.zst", zstd_packed + b"more", "It is not a complete zstd file"),
        (".csv.bz2", bz2.compress(CSV.encode())[:-3], "It is not a complete bzip2 file"),
        (".csv.bz2", gzipped, "It is gzip, but its name does not say so: give it a name that ends in .gz."),
        (".csv", gzipped, "It is gzip, but its name does not say so: give it a name that ends in .gz."),
        (".json", zstd_packed, "It is zstd, but its name does not say so: give it a name that ends in .zst."),
        (".csv", b"PK\x03\x04" + bytes(30), "It is a zip archive, as Excel's .xlsx is"),
        (".jsonl.gz", JSONL.encode(), "It is not packed, though its name ends in .gz"),
        (".jsonl.gz", gzip.compress(JSONL.encode())[:-9], "It is not a complete gzip file"),
        (".avro", b"", "It is not a readable Avro file"),
        (".avro", CSV.encode(), "It is not a readable Avro file"),
    ]
    reasons = {}
    for number, (suffix, content, reason) in enumerate(unreadable):
        path = f"workspaces/{number:02}{suffix}"
        landing.put(path, "").write_bytes(content)
        reasons[path] = reason
    landing.put("workspaces/99.csv", CSV)
    report = landing.load()
    assert len(report.set_aside) == len(unreadable)
    found = {entry.path: entry.reason[: len(reasons[entry.path])] for entry in report.set_aside}
    assert found == reasons
    assert all(entry.reason.endswith((".", "?")) and "\n" not in entry.reason for entry in report.set_aside)
    assert landing.workspaces() == ROWS
    assert landing.load().files == ()


def test_a_parquet_file_damaged_in_the_middle_is_set_aside_whole(landing, tmp_path):
    path = tmp_path / "x.parquet"
    duckdb.sql(f"copy (select i::varchar as workspace_id from range(300000) _(i)) to '{path}' (codec zstd)")
    content = bytearray(path.read_bytes())
    content[len(content) // 2 : len(content) // 2 + 100] = bytes(100)
    landing.put("workspaces/x.parquet", bytes(content))
    landing.load()
    assert "not a readable Parquet file" in landing.ledger()["workspaces/x.parquet"]
    assert landing.query("select count(*) from raw.workspaces") == [(0,)]


def test_a_file_that_is_mended_under_its_old_path_loads(landing):
    landing.put("workspaces/x.csv", "")
    landing.load()
    landing.put("workspaces/x.csv", CSV)
    landing.load()
    assert landing.workspaces() == ROWS


def test_a_fault_of_the_warehouse_is_not_blamed_on_the_file(landing, parquet):
    for name, content in [("x.csv", CSV), ("x.jsonl", JSONL), ("x.parquet", parquet)]:
        file = landing.put("workspaces/" + name, content)
        landing.query("alter table raw.workspaces rename column currency to money")
        with pytest.raises(
            GoalpostError, match=f"workspaces/{name} could not be loaded, though it can be read"
        ):
            landing.load()
        assert landing.ledger() == {}
        landing.query("alter table raw.workspaces rename column money to currency")
        file.unlink()


def test_a_file_that_vanishes_before_it_is_read_stops_nothing_and_is_looked_at_again(landing):
    file = landing.put("workspaces/x.csv", CSV)
    landing.put("workspaces/y.csv", CSV)
    report = land_new_files(landing.settings, on_progress=lambda *_: file.unlink(missing_ok=True))
    assert report.ignored == (Ignored("workspaces/x.csv", "It was gone when the run tried to read it."),)
    assert landing.ledger() == {"workspaces/y.csv": "loaded"}
    landing.put("workspaces/x.csv", CSV)
    landing.load()
    assert landing.workspaces() == ROWS * 2


@pytest.mark.parametrize("content", [JSONL, "[" + JSONL.replace("}\n{", "},{") + "]", "no json"])
def test_a_file_that_grows_while_it_is_read_is_never_kept_under_the_hash_of_a_part(
    landing, monkeypatch, content
):
    """The file grows after it was hashed: a load would read more than the hashed bytes."""
    file = landing.put("workspaces/x.json", content)
    landing.put("workspaces/y.csv", CSV)
    hash_first = land._content_hash

    def grow(path):
        content_hash = hash_first(path)
        if path == file:
            with file.open("a") as end:
                end.write("\n" + JSONL)
        return content_hash

    with monkeypatch.context() as patch:
        patch.setattr(land, "_content_hash", grow)
        report = landing.load()
    assert [entry.path for entry in report.files] == ["workspaces/y.csv"]
    reason = "It changed while it was read: the next run tries again."
    assert report.ignored == (Ignored("workspaces/x.json", reason),)
    landing.load()
    [kept] = landing.query("select content_hash from raw.files where path = 'workspaces/x.json'")
    assert kept == (hashlib.sha256(file.read_bytes()).hexdigest(),)


# Object stores


@pytest.mark.parametrize("protocol", ["memory", "file"])
def test_a_landing_may_be_a_url(tmp_path, parquet, protocol):
    root = f"memory://{tmp_path.name}" if protocol == "memory" else f"file://{tmp_path}/landing"
    contents = {"a.csv": CSV.encode(), "deep/b.jsonl.gz": gzip.compress(JSONL.encode()), "c.parquet": parquet}
    landing = Landing(tmp_path, root)
    for name, content in contents.items():
        with fsspec.open(f"{root}/workspaces/{name}", "wb", auto_mkdir=True) as file:
            file.write(content)
    landing.load()
    assert landing.workspaces() == ROWS * 3
    assert set(landing.ledger()) == {"workspaces/" + name for name in contents}
    assert landing.load().files == ()
    with fsspec.open(f"{root}/workspaces/a.csv", "wb") as file:
        file.write(b"workspace_id\nw3\n")
    assert [entry.path for entry in landing.load().files] == ["workspaces/a.csv"]
    assert {path.suffix for path in landing.settings.home.iterdir()} == {".duckdb"}


class BreakingFileSystem(MemoryFileSystem):
    """An object store whose connection breaks half-way through every download."""

    protocol = "breaking"
    store: ClassVar[dict] = {}
    pseudo_dirs: ClassVar[list[str]] = [""]

    def get_file(self, rpath, lpath, **kwargs):
        with open(lpath, "wb") as file:
            file.write(self.cat_file(rpath)[:20])
        raise ConnectionResetError("connection reset by peer")


def test_a_connection_that_breaks_is_an_error_and_not_the_fault_of_the_file(tmp_path):
    fsspec.register_implementation("breaking", BreakingFileSystem, clobber=True)
    with fsspec.open("breaking://bucket/workspaces/x.csv", "wb") as file:
        file.write(CSV.encode())
    landing = Landing(tmp_path, "breaking://bucket")
    with pytest.raises(GoalpostError, match=r"workspaces/x.csv cannot be read \(connection reset by peer\)"):
        landing.load()
    assert landing.ledger() == {}


def test_a_landing_that_does_not_exist_says_what_to_do(tmp_path):
    with pytest.raises(GoalpostError, match=r"There is no landing folder .*/nowhere: create it"):
        Landing(tmp_path, str(tmp_path / "nowhere")).load()


@pytest.mark.parametrize(
    ("url", "problem"), [("nosuch://bucket", "Protocol not known"), ("gs://bucket", "gcsfs")]
)
def test_an_address_that_cannot_be_opened_says_why(tmp_path, url, problem):
    with pytest.raises(GoalpostError, match=problem):
        Landing(tmp_path, url).load()
