"""A real PostgreSQL for tests, in a folder of its own: Debian's, or the one on the PATH."""

import os
import pwd
import shutil
import socket
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import psycopg
import pytest
from homes import install

PASSWORD = "it's a secret@home"


@dataclass(frozen=True)
class Server:
    binaries: Path
    folder: Path
    port: int

    @property
    def url(self) -> str:
        return f"postgresql://goalpost:it%27s%20a%20secret%40home@127.0.0.1:{self.port}/postgres"

    def connect(self, **options) -> psycopg.Connection:
        return psycopg.connect(self.url, autocommit=True, **options)

    def start(self) -> None:
        options = f"-c listen_addresses=127.0.0.1 -p {self.port} -k {self.folder} -c fsync=off"
        self.run("pg_ctl", "-D", "data", "-w", "-s", "-l", "log", "-o", options, "start")

    def stop(self, mode: str = "fast") -> None:
        self.run("pg_ctl", "-D", "data", "-w", "-s", "-m", mode, "stop")

    def run(self, program: str, *arguments: str) -> None:
        """The server refuses to run as root."""
        user = {"user": _user().pw_uid, "group": _user().pw_gid, "extra_groups": ()} if _is_root() else {}
        subprocess.run([self.binaries / program, *arguments], cwd=self.folder, check=True, **user)


def _initdb() -> str | None:
    found = sorted(map(str, Path("/usr/lib/postgresql").glob("*/bin/initdb")), reverse=True)
    return found[0] if found else shutil.which("initdb")


@contextmanager
def server() -> Iterator[Server]:
    """Skips the test, with the reason, if there are no binaries."""
    if not (initdb := _initdb()):
        install("postgresql")
        initdb = _initdb()
    if not initdb:
        pytest.skip("There is no PostgreSQL, and this user cannot install it: apt-get install postgresql")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    folder = Path(
        tempfile.mkdtemp(prefix="goalpost-postgres-")
    )  # pytest's own folders are closed to the user
    if _is_root():
        os.chown(folder, _user().pw_uid, _user().pw_gid)
    started = Server(Path(initdb).parent, folder, port)
    (folder / "password").write_text(PASSWORD)
    (folder / "password").chmod(0o644)
    options = ("-U", "goalpost", "--auth=scram-sha-256", "--pwfile=password", "-E", "UTF8", "--locale=C")
    started.run("initdb", "-D", "data", *options, "--no-sync", "--no-instructions")
    started.start()
    try:
        yield started
    finally:
        started.run("pg_ctl", "-D", "data", "-s", "-m", "immediate", "stop")
        shutil.rmtree(folder)


def _is_root() -> bool:
    return os.geteuid() == 0


def _user() -> pwd.struct_passwd:
    return pwd.getpwnam("nobody")
