"""What a publication says about the pipeline behind it: the schemas `control` and `ops` of marts.duckdb.

Belongs here: the runs, checks, files and quarantined rows, as a reader of the marts sees them. (The originals
are in the working file, which is closed to readers while a run writes.) Does not: publishing (publish.py), or
recording a run (runs.py) or a check (checks/).
"""

import json
from collections.abc import Sequence
from dataclasses import astuple

import duckdb

from orchestration import runs
from orchestration.contract import RAW_TABLES, RawTable
from orchestration.mart_changes import Change
from orchestration.warehouse import literal, transaction

NEWEST = 1000  # runs and files
SAMPLES = 5

# By table: its query (None: runs.py writes it), its description, those of its columns.
TABLES: dict[str, tuple[str | None, str, dict[str, str]]] = {
    "control.written_by": (
        None,
        "The last run that wrote the marts. Grain: one row.",
        {"run_id": "Dagster's id of the run."},
    ),
    "control.publication": (
        """select cast({run_id} as varchar) as run_id, (select as_of from control.clock) as as_of,
        now()::timestamp as published_at""",
        "The publication that this file is. Grain: one row.",
        {
            "run_id": "The run that published it.",
            "as_of": "Reports count what happened until this moment (UTC).",
            "published_at": "When it was published (UTC).",
        },
    ),
    "ops.runs": (
        f"""select run_id, started_at,
            if(run_id = {{run_id}}, now()::timestamp, finished_at) as finished_at, as_of,
            if(run_id = {{run_id}}, 'succeeded', outcome) as outcome, is_full_refresh, files_loaded, message,
            if(run_id = {{run_id}}, {{figures}}::json, figures) as figures
        from control.runs order by started_at desc limit {NEWEST}""",
        f"The newest {NEWEST:,} runs. Grain: one row per run.",
        {
            "run_id": "Dagster's id of the run.",
            "started_at": "When it started (UTC).",
            "finished_at": "When it ended (UTC); null while it runs, or if its process was killed.",
            "as_of": "Its reports count until this moment (UTC).",
            "outcome": "running, succeeded, failed or interrupted.",
            "is_full_refresh": "Did it recompute everything?",
            "files_loaded": "How many files it loaded; null if it ended before.",
            "message": "Why it failed, and what to do; null if it succeeded.",
            "figures": "Rows that it landed by table; all rows by what became of them; its checks. JSON.",
        },
    ),
    "ops.run_steps": (
        f"""select run_id, step, started_at, finished_at, outcome,
            epoch_ms(coalesce(finished_at, if(run_id = {{run_id}}, now()::timestamp, null)) - started_at)
                / 1000 as seconds
        from control.run_steps
        where run_id in (select run_id from control.runs order by started_at desc limit {NEWEST})
        order by started_at""",
        "The steps of these runs. Grain: one row per run and step that began.",
        {
            "run_id": "Dagster's id of the run.",
            "step": "landed_files, raw_checks, models, model_checks or published_marts, in this order.",
            "started_at": "When it started (UTC).",
            "finished_at": "When it ended (UTC); null if it runs, or its process was killed.",
            "outcome": "succeeded, failed, interrupted, or running (publishing, in the run that published).",
            "seconds": "How long it took; of publishing, until this was written; null if it was killed.",
        },
    ),
    "ops.mart_changes": (
        f"""select run_id, mart, rows_added, rows_removed, rows_changed, first_day
        from control.mart_changes
        where run_id in (select run_id from control.runs order by started_at desc limit {NEWEST})""",
        "What the runs that published changed in each mart, compared with the publication that readers saw "
        "before. Grain: one row per run and mart, also if nothing changed.",
        {
            "run_id": "The run that published. No row: it could not read the publication before.",
            "mart": "The mart.",
            "rows_added": "Rows whose key was not there before.",
            "rows_removed": "Rows whose key is not there any more.",
            "rows_changed": "Rows with the same key, and another value in a column that was there before.",
            "first_day": "The first day of these rows, as they were and as they are: of a fact, when it "
            "happened (UTC; of an enrollment without a conversion, its start); of a report by day, its day. "
            "Null: nothing changed, or its rows have no day.",
        },
    ),
    "ops.check_results": (
        """select run_id, step, suite, expectation, severity, success, figures, checked_at
        from control.check_results where run_id = {run_id}""",
        "The checks of the run that published. Grain: one row per step, suite and expectation.",
        {
            "run_id": "The run that published.",
            "step": "raw, staging, intermediate or marts.",
            "suite": "The table that was checked.",
            "expectation": "The rule.",
            "severity": "critical (nothing is published if it fails) or warning.",
            "success": "Did every row pass?",
            "figures": "What Great Expectations counted: how many rows did not pass, and examples.",
            "checked_at": "When (UTC).",
        },
    ),
    "ops.files": (
        f"""select file_id, table_name, path, rows, loaded_at, outcome, reason
        from raw.files order by file_id desc limit {NEWEST}""",
        f"The newest {NEWEST:,} files. Grain: one row per file that was loaded or set aside, and table.",
        {
            "file_id": "Rises in the order of loading.",
            "table_name": "The raw table.",
            "path": "Where it is, in the landing folder.",
            "rows": "How many records it has.",
            "loaded_at": "When it was loaded or set aside (UTC).",
            "outcome": "loaded or set_aside.",
            "reason": "Why it was set aside; null if it was loaded.",
        },
    ),
    "ops.erasures": (
        "select people, erased_at from control.erasures order by erased_at",
        "What `goalpost forget` did. Grain: one row per erasure.",
        {"people": "How many people were erased.", "erased_at": "When (UTC)."},
    ),
    "ops.quarantine": (
        """select table_name, reason_code, count(*) as rows, max(loaded_at) as last_loaded_at
        from ({quarantined}) group by table_name, reason_code order by table_name, reason_code""",
        "How many rows are in quarantine. Grain: one row per table and reason.",
        {
            "table_name": "The table that they landed in.",
            "reason_code": "Why they cannot be staged (docs/contract.md, section 2).",
            "rows": "How many rows.",
            "last_loaded_at": "When the newest file that has such a row was loaded (UTC).",
        },
    ),
    "ops.run_quarantine": (
        f"""select run_id, table_name, reason_code, rows from control.run_quarantine
        where run_id in (select run_id from control.runs order by started_at desc limit {NEWEST})""",
        "How many rows were in quarantine after each run that published. Grain: one row per run, table and "
        "reason.",
        {
            "run_id": "The run that published.",
            "table_name": "The table that they landed in.",
            "reason_code": "Why they cannot be staged (docs/contract.md, section 2).",
            "rows": "How many rows, of all that ever landed.",
        },
    ),
    "ops.quarantine_samples": (
        f"""select table_name, reason_code, problem, path, row_number, raw_row
        from ({{quarantined}})
        qualify row_number() over (
            partition by table_name, reason_code order by loaded_at desc, path, row_number
        ) <= {SAMPLES}
        order by table_name, reason_code, loaded_at desc, path, row_number""",
        f"Up to {SAMPLES} rows in quarantine per table and reason, the newest first. Grain: a row of a file.",
        {
            "table_name": "The table that it landed in.",
            "reason_code": "Why it cannot be staged (docs/contract.md, section 2).",
            "problem": "Which column is wrong and how.",
            "path": "The file.",
            "row_number": "Its number in the file, from 1.",
            "raw_row": "Its values as they landed, as JSON; the whole record if it has no columns.",
        },
    ),
}


def describe(
    connection: duckdb.DuckDBPyConnection,
    run_id: str,
    changes: Sequence[Change] | None = None,
    seen: str | None = None,
) -> None:
    """Write these tables into the marts. `changes`: what this run changes, if it was counted; `seen`: the run
    whose publication readers see until now. Lets duckdb.Error pass."""
    connection.execute("create schema if not exists marts.ops")
    figures = literal(json.dumps(runs.account(connection, run_id)))
    rows = quarantined(connection)
    _keep(connection, run_id, changes, seen, rows)
    for name, (query, description, columns) in TABLES.items():
        if query:
            filled = query.format(run_id=literal(run_id), figures=figures, quarantined=rows)
            connection.execute(f"create or replace table marts.{name} as {filled}")
        connection.execute(f"comment on table marts.{name} is {literal(description)}")
        for column, meaning in columns.items():
            connection.execute(f"comment on column marts.{name}.{column} is {literal(meaning)}")


def _keep(
    connection: duckdb.DuckDBPyConnection,
    run_id: str,
    changes: Sequence[Change] | None,
    seen: str | None,
    rows: str,
) -> None:
    """Keep what later publications also tell of this run. What was kept of a run that was killed before
    readers saw its publication is dropped: this run was compared with the publication before."""
    with transaction(connection):
        for table in ("run_quarantine", "mart_changes"):
            connection.execute(
                f"delete from control.{table} where run_id not in "
                "(select run_id from control.runs where outcome = 'succeeded' union all select ?)",
                [seen or ""],
            )
        connection.execute("delete from control.run_quarantine where run_id = ?", [run_id])
        connection.execute(
            "insert into control.run_quarantine "
            f"select ?, table_name, reason_code, count(*) from ({rows}) group by table_name, reason_code",
            [run_id],
        )
        if changes is not None:
            connection.execute("delete from control.mart_changes where run_id = ?", [run_id])
            for each in changes:
                connection.execute(
                    "insert into control.mart_changes values (?, ?, ?, ?, ?, ?)", [run_id, *astuple(each)]
                )


NO_ROWS = """select null::varchar as table_name, null::varchar as reason_code, null::varchar as problem,
    null::varchar as path, null::bigint as row_number, null::varchar as raw_row, null::bigint as file_id,
    null::timestamp as loaded_at
where false"""


def quarantined(connection: duckdb.DuckDBPyConnection) -> str:
    """The query of all rows in quarantine: table, file and row, the reason, and the row as it landed.

    Lets duckdb.Error pass."""
    found = connection.execute(
        "select view_name from duckdb_views() where schema_name = 'quarantine'"
    ).fetchall()
    views = {name for (name,) in found}
    rows = [_quarantined_rows(table) for table in RAW_TABLES.values() if table.name in views]
    return " union all ".join(rows) or NO_ROWS


def _quarantined_rows(table: RawTable) -> str:
    values = ", ".join(f"'{column.name}': \"{column.name}\"" for column in table.columns)
    return (
        f"select '{table.name}' as table_name, reason_code, problem, rows.path, row_number, "
        f"coalesce(raw_record, to_json({{{values}}})::varchar) as raw_row, files.file_id, files.loaded_at "
        f'from quarantine."{table.name}" as rows '
        "inner join raw.files as files "
        "on rows.path = files.path and rows.content_hash = files.content_hash "
        f"and files.table_name = '{table.name}'"
    )
