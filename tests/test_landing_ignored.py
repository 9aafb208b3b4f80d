"""Files in the landing that are not loaded: they are listed with the reason, and never stop a run."""

import os
import shutil
import socket
import tempfile
import time
from pathlib import Path

import fsspec
import pytest
from landing_support import Landing

from orchestration.defs.automation import digest
from orchestration.landing import Ignored, list_landing, listing, new_files

CSV = "workspace_id,name\nw1,Acme\n"


@pytest.fixture
def landing(tmp_path):
    landing = Landing(tmp_path)
    landing.put("workspaces/good.csv", CSV)
    return landing


def ignored(landing: Landing) -> dict[str, str]:
    """Path to reason, after a run that loaded the one good file and stopped at nothing."""
    report = landing.load()
    assert landing.ledger() == {"workspaces/good.csv": "loaded"}
    assert report.ignored == list_landing(landing.settings).ignored
    assert new_files(list_landing(landing.settings), known_to(landing)) == []
    return {entry.path: entry.reason for entry in report.ignored}


def known_to(landing: Landing) -> set[tuple]:
    return set(landing.query("select path, table_name, fingerprint from raw.files"))


def test_other_names_and_folders_are_listed_with_a_reason_a_folder_once(landing):
    for path in ["x.csv.part", "x.txt", "x", "x.gz", "x.parquet.gz", "x.avro.zst", "x.csv.zip", "csv"]:
        landing.put("workspaces/" + path, CSV)
    for path in ["_tmp/x.csv", "_tmp/y.csv", ".x.csv", "_SUCCESS", "deep/er/.hidden/x.csv"]:
        landing.put("workspaces/" + path, CSV)
    landing.put("Workspaces/x.csv", CSV)
    landing.put("workspace/deep/x.csv", CSV)
    landing.put("invoices/x.csv", CSV)
    landing.put("workspaces.csv", CSV)
    landing.put("_archive/x.csv", CSV)
    no_format = ["x", "x.csv.part", "x.csv.zip", "x.gz", "x.parquet.gz", "x.avro.zst", "x.txt", "csv"]
    unfinished = ["_tmp", ".x.csv", "_SUCCESS", "deep/er/.hidden"]
    tables = "tables are workspaces, profile_snapshots, profile_changes,"
    found = ignored(landing)
    assert found.pop("invoices").startswith(f"It is not a table's folder: {tables}")
    assert found == {
        **{f"workspaces/{name}": listing.NO_FORMAT for name in no_format},
        **{f"workspaces/{name}": listing.UNFINISHED for name in unfinished},
        "_archive": listing.UNFINISHED,
        "Workspaces": "It is not a table's folder: did you mean workspaces?",
        "workspace": "It is not a table's folder: did you mean workspaces?",
        "workspaces.csv": listing.NO_TABLE,
    }


def test_links_that_lead_nowhere_out_or_in_a_circle_are_ignored(landing, tmp_path):
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "elsewhere" / "secret.csv").write_text(CSV)
    folder = landing.folder / "workspaces"
    (folder / "nowhere.csv").symlink_to("missing.csv")
    (folder / "out.csv").symlink_to(tmp_path / "elsewhere" / "secret.csv")
    (folder / "out").symlink_to(tmp_path / "elsewhere")
    (landing.folder / "events").symlink_to(tmp_path / "elsewhere")
    (folder / "itself.csv").symlink_to("itself.csv")
    (folder / "a.csv").symlink_to("b.csv")
    (folder / "b.csv").symlink_to("a.csv")
    (folder / "loop").symlink_to(".")
    (folder / "root").symlink_to(landing.folder)
    (folder / "dev.csv").symlink_to("/dev/zero")
    assert ignored(landing) == {
        "workspaces/nowhere.csv": listing.LEADS_NOWHERE,
        "workspaces/out.csv": listing.LEADS_OUT,
        "workspaces/out": listing.LEADS_OUT,
        "workspaces/dev.csv": listing.LEADS_OUT,
        "events": listing.LEADS_OUT,
        "workspaces/itself.csv": listing.IN_A_CIRCLE,
        "workspaces/a.csv": listing.IN_A_CIRCLE,
        "workspaces/b.csv": listing.IN_A_CIRCLE,
        "workspaces/loop": listing.IN_A_CIRCLE,
        "workspaces/root": listing.IN_A_CIRCLE,
    }


def test_links_among_folders_cannot_multiply_a_file(landing):
    """Each of ten folders links to all of them: through the links a file has millions of paths."""
    names = [f"workspaces/{letter}" for letter in "abcdefghij"]
    for name in names:
        landing.put(f"{name}/x.csv", CSV)
        for other in names:
            (landing.folder / name / f"to_{other[-1]}").symlink_to(landing.folder / other)
    (landing.folder / "workspaces" / "again.csv").symlink_to("good.csv")
    files = list_landing(landing.settings).files
    assert {file.path for file in files} == {*(f"{name}/x.csv" for name in names), "workspaces/good.csv"}
    assert len(files) == 11


def test_a_link_to_what_is_read_nowhere_else_is_followed(landing, tmp_path):
    """The layout of a mounted volume that is replaced in one step: visible links into a hidden folder."""
    landing.put("events/..2026/y.csv", "workspace_id,event_id\nw1,e1\n")
    (landing.folder / "events" / "..data").symlink_to("..2026")
    (landing.folder / "events" / "y.csv").symlink_to("..data/y.csv")
    landing.put(".store/journeys/z.csv", "workspace_id,journey_id\nw1,j1\n")
    (landing.folder / "journeys").symlink_to(".store/journeys")
    landing.load()
    assert set(landing.ledger()) == {"events/y.csv", "journeys/z.csv", "workspaces/good.csv"}


def test_the_landing_itself_may_be_a_link(landing, tmp_path):
    (tmp_path / "link").symlink_to(landing.folder)
    linked = Landing(tmp_path, str(tmp_path / "link"))
    linked.load()
    assert linked.ledger() == {"workspaces/good.csv": "loaded"}


def test_a_pipe_and_a_socket_are_ignored_and_nothing_waits_for_them(landing, monkeypatch):
    os.mkfifo(landing.folder / "workspaces" / "pipe.csv")
    monkeypatch.chdir(landing.folder / "workspaces")  # the path of a socket must be short
    with socket.socket(socket.AF_UNIX) as server:
        server.bind("socket.csv")
        assert ignored(landing) == {
            "workspaces/pipe.csv": "It is a named pipe, no file.",
            "workspaces/socket.csv": "It is a socket, no file.",
        }


def test_names_that_are_no_utf_8_are_ignored_and_shown_as_text(landing):
    os.mkdir(os.fsencode(landing.folder / "workspaces") + b"/f\xfcr")
    for name in [b"/J\xf6rg.csv", b"/f\xfcr/x.csv"]:
        Path(os.fsdecode(os.fsencode(landing.folder / "workspaces") + name)).write_text(CSV)
    assert ignored(landing) == {
        "workspaces/J\\xf6rg.csv": "Its name is not UTF-8.",
        "workspaces/f\\xfcr": "Its name is not UTF-8.",
    }


def test_control_characters_in_names_are_part_of_the_name(landing):
    for name in ["tab\there.csv", "line\nend.csv", "escape\x1b[31m.csv", "separator\x1f.csv"]:
        landing.put("workspaces/" + name, CSV)
    landing.put("workspaces/line\nend.txt", CSV)
    report = landing.load()
    assert len(report.loaded) == 5
    assert report.ignored == (Ignored("workspaces/line\nend.txt", listing.NO_FORMAT),)
    assert landing.load().files == ()


@pytest.fixture
def unprivileged():
    """A landing that anybody may reach, read as the user nobody: root could read everything."""
    if os.geteuid() != 0:
        yield tempfile.mkdtemp()
        return
    folder = tempfile.mkdtemp()
    os.chmod(folder, 0o777)
    os.seteuid(65534)
    yield folder
    os.seteuid(0)
    shutil.rmtree(folder)


def test_what_one_may_not_read_is_ignored_until_one_may(unprivileged):
    landing = Landing(Path(unprivileged))
    landing.put("workspaces/good.csv", CSV)
    secret = landing.put("workspaces/secret.csv", CSV)
    folder = landing.put("workspaces/private/x.csv", CSV).parent
    secret.chmod(0)
    folder.chmod(0)
    reason = "It cannot be read (Permission denied): the next run tries again."
    assert ignored(landing) == {"workspaces/secret.csv": reason, "workspaces/private": reason}
    secret.chmod(0o600)
    folder.chmod(0o700)
    landing.load()
    assert len(landing.workspaces()) == 3


def test_a_name_too_deep_for_the_system_is_ignored(landing):
    place = os.open(landing.folder / "workspaces", os.O_RDONLY)
    for _ in range(30):
        os.mkdir("d" * 200, dir_fd=place)
        deeper = os.open("d" * 200, os.O_RDONLY, dir_fd=place)
        os.close(place)
        place = deeper
    os.close(place)
    [(_, reason)] = ignored(landing).items()
    assert reason == "It cannot be read (File name too long): the next run tries again."


def test_what_is_ignored_starts_no_run(landing):
    landing.load()
    before = digest(list_landing(landing.settings))
    for path in ["workspaces/x.txt", "invoices/x.csv", "workspaces/_x.csv"]:
        landing.put(path, CSV)
    (landing.folder / "workspaces" / "nowhere.csv").symlink_to("missing.csv")
    assert digest(list_landing(landing.settings)) == before
    landing.put("workspaces/y.csv", CSV)
    a_minute_ago = time.time() - 60  # what has just changed may still be written
    os.utime(landing.folder / "workspaces" / "y.csv", (a_minute_ago, a_minute_ago))
    assert digest(list_landing(landing.settings)) != before


def test_an_object_that_is_too_large_is_not_fetched(tmp_path, monkeypatch):
    monkeypatch.setenv("GOALPOST_MAX_FILE_GB", "0.0001")
    root = f"memory://{tmp_path.name}"
    for path, content in [("workspaces/large.csv", CSV + "w,x\n" * 50_000), ("workspaces/small.csv", CSV)]:
        with fsspec.open(f"{root}/{path}", "wb") as file:
            file.write(content.encode())
    landing = Landing(tmp_path, root)
    [entry] = landing.load().ignored
    assert entry.reason.startswith("It is larger than 0.0001 GB (GOALPOST_MAX_FILE_GB)")
    assert landing.ledger() == {"workspaces/small.csv": "loaded"}


def test_an_object_store_lists_what_is_ignored_too(tmp_path):
    root = f"memory://{tmp_path.name}"
    for path in ["workspaces/x.csv", "workspaces/x.txt", "workspaces/_tmp/a.csv", "workspaces/_tmp/b.csv"]:
        with fsspec.open(f"{root}/{path}", "wb") as file:
            file.write(CSV.encode())
    for path in ["workspace/x.csv", "workspace/y.csv", "top.csv"]:
        with fsspec.open(f"{root}/{path}", "wb") as file:
            file.write(CSV.encode())
    landing = Landing(tmp_path, root)
    report = landing.load()
    assert landing.ledger() == {"workspaces/x.csv": "loaded"}
    assert report.ignored == (
        Ignored("top.csv", listing.NO_TABLE),
        Ignored("workspace", "It is not a table's folder: did you mean workspaces?"),
        Ignored("workspaces/_tmp", listing.UNFINISHED),
        Ignored("workspaces/x.txt", listing.NO_FORMAT),
    )
