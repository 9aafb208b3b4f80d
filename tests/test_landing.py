"""Which files are loaded, which are not, and what is kept of both."""

import gzip
import os
from typing import ClassVar

import duckdb
import fsspec
import pytest
from fsspec.implementations.memory import MemoryFileSystem
from landing_support import Landing

from orchestration.errors import GoalpostError
from orchestration.landing import land_new_files

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


def test_every_format_gives_the_same_rows(landing, parquet):
    landing.put("workspaces/a.parquet", parquet)
    landing.put("workspaces/b.jsonl", JSONL)
    landing.put("workspaces/c.jsonl.gz", JSONL)
    landing.put("workspaces/d.csv", CSV)
    landing.put("workspaces/e.csv.gz", CSV)
    assert landing.load().rows_by_table == {"workspaces": 10}
    assert landing.workspaces() == ROWS * 5


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


def test_hidden_and_foreign_files_are_left_alone_and_unknown_folders_are_named(landing):
    for path in ["_tmp/x.csv", ".x.csv", "_SUCCESS", "x.csv.part", "x.json", "x.txt", ".hidden/x.csv"]:
        landing.put("workspaces/" + path, CSV)
    landing.put("workspace/x.csv", CSV)
    landing.put("workspaces.csv", CSV)
    landing.put("_archive/x.csv", CSV)
    report = landing.load()
    assert report.files == ()
    assert report.unknown_folders == ("workspace", "workspaces.csv")


def test_a_table_folder_may_be_a_link(landing, tmp_path):
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "elsewhere" / "x.csv").write_text(CSV)
    (landing.folder / "workspaces").symlink_to(tmp_path / "elsewhere")
    landing.load()
    assert landing.workspaces() == ROWS


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
    landing.put("workspaces/a.csv", "workspace_id,Name,plan\nw1,x,y\n")
    landing.put(
        "workspaces/b.jsonl", '{"workspace_id": "w1", "Name": 1, "plan": {"name": 2}, "name": null}\nno\n'
    )
    path = tmp_path / "x.parquet"
    duckdb.sql(f"copy (select 'w1' as workspace_id, 1 as \"Name\", 2 as plan) to '{path}'")
    landing.put("workspaces/c.parquet", path.read_bytes())
    landing.load()
    assert landing.query("select unknown_columns from raw.files") == [(["Name", "plan"],)] * 3
    assert [row[1:3] for row in landing.workspaces() if row[3] is None] == [("w1", None)] * 3


def test_a_column_that_is_not_there_is_null(landing):
    assert landing.load_one("workspaces/x.csv", "workspace_id\nw1\n") == [(1, "w1", None, None)]


# What cannot be read


def test_an_unreadable_file_is_set_aside_whole_and_stops_nothing(landing):
    gzipped = gzip.compress(CSV.encode())
    unreadable = [
        (".parquet", b"", "It is no readable Parquet file"),
        (".parquet", b"PAR1 not really PAR1", "It is no readable Parquet file"),
        (".csv", b"", "It has no header."),
        (".csv", b"\xef\xbb\xbf", "It has no header."),
        (".csv", b"\n\n\n", "It has no header."),
        (".csv", b"name,currency\nAcme,USD\n", "It has no column workspace_id."),
        (".csv", b"Workspace_ID,name\nw1,Acme\n", "It has no column workspace_id."),
        (".csv", b"workspace_id;name\nw1;Acme\n", "It has no column workspace_id."),
        (".csv", b"workspace_id,name,name\nw1,a,b\n", "It has more than one column name."),
        (".csv", b"workspace_id,name\nw1,\xff\n", "It is not UTF-8."),
        (".csv", b"workspace_id,name\nw1,a,\xff\n", "It is not UTF-8."),
        (".csv", b"workspace_id,name\nw1,a\xc3", "It is not UTF-8."),
        (".csv", b"workspace_id,na\xffme\nw1,a\n", "It is not UTF-8."),
        (".csv", CSV.encode("utf-16"), "It is not UTF-8."),
        (".jsonl", b'{"workspace_id": "w1"}\n{"workspace_id": "\xff"}\n', "It is not UTF-8."),
        (".csv.gz", CSV.encode(), "It is no whole gzip file"),
        (".csv.gz", gzipped[:-9], "It is no whole gzip file"),
        (".csv.gz", gzipped[:-8] + b"checksum", "It is no whole gzip file"),
        (".csv.gz", gzipped + b"more", "It is no whole gzip file"),
        (".jsonl.gz", JSONL.encode(), "It is no whole gzip file"),
        (".jsonl.gz", gzip.compress(JSONL.encode())[:-9], "It is no whole gzip file"),
    ]
    reasons = {}
    for number, (suffix, content, reason) in enumerate(unreadable):
        path = f"workspaces/{number:02}{suffix}"
        landing.put(path, "").write_bytes(content)
        reasons[path] = reason
    landing.put("workspaces/99.csv", CSV)
    report = landing.load()
    found = {entry.path: entry.reason[: len(reasons[entry.path])] for entry in report.set_aside}
    assert found == reasons
    assert all(entry.reason.endswith(".") and "\n" not in entry.reason for entry in report.set_aside)
    assert landing.workspaces() == ROWS
    assert landing.load().files == ()


def test_a_parquet_file_damaged_in_the_middle_is_set_aside_whole(landing, tmp_path):
    path = tmp_path / "x.parquet"
    duckdb.sql(f"copy (select i::varchar as workspace_id from range(300000) _(i)) to '{path}' (codec zstd)")
    content = bytearray(path.read_bytes())
    content[len(content) // 2 : len(content) // 2 + 100] = bytes(100)
    landing.put("workspaces/x.parquet", bytes(content))
    landing.load()
    assert "no readable Parquet file" in landing.ledger()["workspaces/x.parquet"]
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


def test_a_file_that_vanishes_before_it_is_read_is_an_error_and_the_next_run_carries_on(landing):
    landing.put("workspaces/x.csv", CSV)
    file = landing.put("workspaces/y.csv", CSV)
    with pytest.raises(GoalpostError, match=r"workspaces/y.csv cannot be read .*No such file"):
        land_new_files(landing.settings, on_progress=lambda *_: file.unlink(missing_ok=True))
    landing.load()
    assert landing.ledger() == {"workspaces/x.csv": "loaded"}


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
    ("url", "problem"), [("nosuch://bucket", "Protocol not known"), ("s3://bucket", "s3fs")]
)
def test_an_address_that_cannot_be_opened_says_why(tmp_path, url, problem):
    with pytest.raises(GoalpostError, match=problem):
        Landing(tmp_path, url).load()
