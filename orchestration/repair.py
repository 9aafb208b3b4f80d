"""Repair: what has landed is taken in again, without touching a table by hand.

Belongs here: which files count as new again, whose rows are computed again. Does not: the run that does it,
which is one like every other, and so exact (runs.py, docs/increments.md).

A run takes in the files after the watermark, judges their rows, and the earlier rows that share a key with
them, and recomputes the profiles that any of them concerns. So moving the watermark back is enough. If the
rows that landed are right and a mart is not, naming the profiles is enough.
"""

from collections.abc import Sequence
from contextlib import closing
from datetime import datetime

import duckdb

from orchestration.errors import GoalpostError
from orchestration.ops import quarantined
from orchestration.settings import Settings
from orchestration.warehouse import STILL_SET_ASIDE, connect, transaction

BEGINNING = datetime(1, 1, 1)  # the macro beginning_of_time


def replay(settings: Settings, since: datetime, table: str | None = None) -> int:
    """The next run takes in again every file from the first one on that landed at or after this moment, of
    this table or any. Returns how many files. The caller is the only writer.

    Raises GoalpostError if no such file has landed, or the warehouse cannot be opened."""
    with closing(connect(settings)) as connection:
        [(first,)] = connection.execute(
            "select min(file_id) from raw.files where outcome = 'loaded' and loaded_at >= ? "
            "and (? is null or table_name = ?)",
            [since, table, table],
        ).fetchall()
        if first is None:
            which = f"file of {table}" if table else "file"
            raise GoalpostError(
                f"No {which} has landed since {since.isoformat(sep=' ')} UTC: see `goalpost status`."
            )
        connection.execute("update control.watermark set file_id = least(file_id, ?)", [first - 1])
        [(files,)] = connection.execute(
            "select count(*) from raw.files where file_id >= ?", [first]
        ).fetchall()
        return files


def redo(settings: Settings, *, goal: str | None = None, since: datetime | None = None) -> int:
    """The next run computes again, in all marts, every row of this goal, or every row from this moment on.
    Returns of how many people. (It computes people as a whole: of a goal, all rows of its workspaces; facts
    before a moment stay.) The caller is the only writer.

    Raises GoalpostError if there is no such goal, or no run has succeeded yet."""
    with closing(connect(settings)) as connection:
        [(watermark,)] = connection.execute("select file_id from control.watermark").fetchall()
        if watermark == 0:
            raise GoalpostError("No run has succeeded yet: `goalpost run` computes everything.")
        of_goal = "select workspace_id from staging.base_goals where goal_id = $goal and reason_code is null"
        if goal is not None and not connection.execute(of_goal, {"goal": goal}).fetchall():
            raise GoalpostError(f"There is no goal '{goal}': `goalpost report` lists the goals.")
        landed = " union ".join(
            f"select workspace_id, profile_id, profile_key from staging.base_{table} "
            "where reason_code is null and profile_key is not null"
            for table in ("profile_snapshots", "profile_changes", "events", "journeys", "deliveries")
        )
        marts = connection.execute(
            "select table_name from duckdb_columns() where database_name = 'marts' and schema_name = 'main' "
            "and column_name = 'profile_key'"
        ).fetchall()
        in_marts = " union ".join(f'select profile_key from marts."{mart}"' for (mart,) in marts)
        with transaction(connection):
            connection.execute(
                f"""
                insert into control.redo
                with landed as ({landed}),
                -- A row that nobody should have: it is deleted, and no other takes its place.
                nobodys as (
                    from ({in_marts}) as people where profile_key not in (select profile_key from landed)
                )
                select *, $affected_from from landed where $goal is null or workspace_id in ({of_goal})
                union all
                select null, null, profile_key, $affected_from from nobodys
                """,
                {"goal": goal, "affected_from": since or BEGINNING},
            )
        [(people,)] = connection.execute("select count(distinct profile_key) from control.redo").fetchall()
        return people


def try_again(settings: Settings, paths: Sequence[str] = ()) -> list[str]:
    """The next run tries these files that were set aside again, or all, and judges again every row in
    quarantine. Returns the paths of the files. The caller is the only writer.

    Raises GoalpostError if a path is of no file that is set aside, or the warehouse cannot be opened."""
    with closing(connect(settings)) as connection:
        found = [path for path, *_ in connection.execute(STILL_SET_ASIDE).fetchall()]
        if unknown := set(paths) - set(found):
            raise GoalpostError(
                f"{min(unknown)} is not set aside: `goalpost quarantine` lists the files that are."
            )
        chosen = list(paths) or found
        # The entry stays, as history. With this mark it is no longer the entry of the file that lies there.
        connection.execute(
            "update raw.files set fingerprint = 'tried again', "
            "content_hash = content_hash || ', tried again after ' || file_id "
            "where outcome = 'set_aside' and list_contains(?, path)",
            [chosen],
        )
        [(first,)] = connection.execute(f"select min(file_id) from ({quarantined(connection)})").fetchall()
        if not paths and first is not None:
            connection.execute("update control.watermark set file_id = least(file_id, ?)", [first - 1])
        return chosen


def show_quarantined(
    connection: duckdb.DuckDBPyConnection, table: str, reason: str | None, limit: int
) -> list[tuple[str, int, str, str | None, str]]:
    """Rows of a raw table in quarantine, the newest files' first: path, row number, reason, problem, and the
    row as it landed, as JSON. Lets duckdb.Error pass."""
    return connection.execute(
        "select path, row_number, reason_code, problem, raw_row "
        f"from ({quarantined(connection)}) "
        "where table_name = ? and (? is null or reason_code = ?) "
        "order by loaded_at desc, path, row_number limit ?",
        [table, reason, reason, limit],
    ).fetchall()
