"""The pipeline as tests use it: land real files, build the real models, read the real marts. No checks,
no publishing: these have tests of their own, and here their start-up would take most of the time."""

import shutil
from collections.abc import Iterator
from contextlib import closing, contextmanager
from datetime import datetime
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory

import duckdb
from dbt.adapters.duckdb.connections import DuckDBConnectionManager
from dbt.cli.main import dbtRunner

from orchestration.changes import code_of
from orchestration.landing import land_new_files
from orchestration.processes import changed_environment
from orchestration.runs import Run, move_watermark, open_increment
from orchestration.settings import DBT_PROJECT, Settings
from orchestration.shortcuts import keep_templates
from orchestration.warehouse import connect

# Do not write files that nobody reads: that saves a third of a small build's time.
FAST = ("--quiet", "--log-level", "none", "--log-level-file", "none", "--no-write-json")
TEMPLATES = TemporaryDirectory()
keep_templates(Path(TEMPLATES.name))  # compiled once for all builds


class Pipeline:
    """One home and its landing folder. Builds run in this process and parse the project once for all
    pipelines."""

    def __init__(self, home: Path):
        self.settings = Settings(home=home, landing=str(home / "landing"))
        self._connection: duckdb.DuckDBPyConnection | None = None

    @property
    def landing(self) -> Path:
        return Path(self.settings.landing)

    def run(self, as_of: datetime, *arguments: str) -> None:
        """Land what is new and build every model."""
        land_new_files(self.settings)
        with closing(connect(self.settings)) as connection:
            connection.execute("delete from control.clock")
            connection.execute("insert into control.clock values (?)", [as_of])
        asked_for = "--full-refresh" in arguments
        open_increment(self.settings, Run("run", as_of, "running", asked_for, "code"))
        self._take_the_code_as_unchanged()
        self.dbt(
            "build", "--exclude-resource-type", "test", "--exclude-resource-type", "unit_test", *arguments
        )
        with closing(connect(self.settings)) as connection:
            connection.begin()
            built = connection.execute("select coalesce(max(file_id), 0) from raw.files").fetchall()[0][0]
            move_watermark(connection, built)
            connection.commit()

    def _take_the_code_as_unchanged(self) -> None:
        """Mutations change it for one run, which must compute its increment with the change, not recompute
        everything."""
        models = [node for node in manifest(DBT_PROJECT).nodes.values() if node.resource_type == "model"]
        with closing(connect(self.settings)) as connection:
            connection.execute(
                "update control.built_models set code = found.code "
                "from (select unnest(?) as model, unnest(?) as code) as found "
                "where built_models.model = found.model and built_models.code <> found.code",
                [[node.name for node in models], [code_of({"raw_code": node.raw_code}) for node in models]],
            )

    def dbt(self, *arguments: str, project: Path = DBT_PROJECT) -> None:
        with environment(GOALPOST_WAREHOUSE=str(self.settings.warehouse), GOALPOST_KEEP_OPEN="True"):
            result = dbtRunner(manifest=manifest(project)).invoke(
                [*arguments, *directories(project, self.settings.home), *FAST]
            )
            DuckDBConnectionManager.close_all_connections()
        if not result.success:
            raise AssertionError(result.exception or [each.message for each in result.result if each.message])

    def copy_databases(self, other: "Pipeline") -> None:
        """To another home, as they are."""
        other.settings.home.mkdir(parents=True, exist_ok=True)
        for database in (self.settings.warehouse, self.settings.warehouse_marts):
            shutil.copyfile(database, other.settings.home / database.name)

    @contextmanager
    def reading(self) -> Iterator[duckdb.DuckDBPyConnection]:
        """One connection for all queries of the block: opening it takes longer than most of them."""
        if self._connection:
            yield self._connection
            return
        with closing(connect(self.settings, read_only=True)) as self._connection:
            try:
                yield self._connection
            finally:
                self._connection = None

    def query(self, sql: str) -> list[dict]:
        with self.reading() as connection:
            cursor = connection.execute(sql)
            names = [column[0] for column in cursor.description]
            return [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]

    def mart(self, name: str) -> list[dict]:
        return self.query(f"select * from marts.{name}")


def directories(project: Path, home: Path) -> list[str]:
    options = {
        "--project-dir": project,
        "--profiles-dir": project,
        "--target-path": home / "dbt",
        "--log-path": home / "dbt",
    }
    return [str(part) for option in options.items() for part in option]


@cache
def manifest(project: Path):
    with TemporaryDirectory() as target, environment(GOALPOST_WAREHOUSE=f"{target}/warehouse.duckdb"):
        result = dbtRunner().invoke(
            ["parse", "--no-partial-parse", "--quiet", *directories(project, Path(target))]
        )
    if not result.success:
        raise AssertionError(result.exception)
    return result.result


def environment(**variables: str):
    return changed_environment(variables)
