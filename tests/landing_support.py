"""A landing folder and a warehouse for one test, and functions that read them."""

import gzip
from contextlib import closing
from pathlib import Path

from orchestration.landing import LandingReport, land_new_files
from orchestration.settings import Settings
from orchestration.warehouse import connect


class Landing:
    def __init__(self, folder: Path, landing: str | None = None, home: str = "home"):
        self.settings = Settings(home=folder / home, landing=landing or folder / "landing")
        self.folder = folder / "landing"
        self.folder.mkdir(exist_ok=True)

    def put(self, path: str, content: str | bytes) -> Path:
        file = self.folder / path
        file.parent.mkdir(parents=True, exist_ok=True)
        content = content.encode() if isinstance(content, str) else content
        file.write_bytes(gzip.compress(content) if path.endswith(".gz") else content)
        return file

    def load(self) -> LandingReport:
        return land_new_files(self.settings)

    def query(self, sql: str) -> list[tuple]:
        with closing(connect(self.settings)) as connection:
            return connection.execute(sql).fetchall()

    def ledger(self) -> dict[str, str]:
        """Path to outcome, or to the reason if it was set aside."""
        return dict(self.query("select path, coalesce(reason, outcome) from raw.files order by file_id"))

    def workspaces(self) -> list[tuple]:
        """(row_number, workspace_id, name, raw_record), file by file."""
        return self.query(
            "select row_number, workspace_id, name, raw_record "
            "from raw.workspaces order by file_id, row_number"
        )

    def load_one(self, path: str, content: str | bytes) -> list[tuple]:
        self.put(path, content)
        assert self.load().set_aside == []
        return self.workspaces()
