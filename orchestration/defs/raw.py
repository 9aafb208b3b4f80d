"""The raw tables as assets: one op lands every new file.

Belongs here: the assets. Does not: loading (landing/).
"""

from collections.abc import Iterator

from dagster import AssetExecutionContext, AssetKey, AssetSpec, MaterializeResult, multi_asset

from orchestration import runs, terminal
from orchestration.contract import LEDGER, RAW_TABLES
from orchestration.defs.models import owner
from orchestration.defs.progress import tell
from orchestration.defs.run import GoalpostRun
from orchestration.landing import land_new_files

EXAMPLES = 20  # ignored entries that the log of a run names

# What a run hands to the models, by its table in the schema control.
CONTROL = {
    "clock": "The explicit clock of the reports: as_of.",
    "redo": "The people whose rows a run recomputes though nothing of theirs landed (`goalpost redo`).",
    "built_definitions": "The definitions that the kept facts stand for, as of the last success of a run.",
    "built_fact_months": "The months of every fact, as of the last success of a run.",
}


def raw_key(table: str) -> AssetKey:
    return AssetKey(["raw", table])


SPECS = [
    *(
        AssetSpec(raw_key(table.name), description=table.description, group_name="raw", kinds={"duckdb"})
        for table in RAW_TABLES.values()
    ),
    AssetSpec(
        raw_key(LEDGER),
        description="The ledger: one row per file ever seen, written in the same transaction as its rows.",
        group_name="raw",
        kinds={"duckdb"},
    ),
    *(
        AssetSpec(AssetKey(["control", table]), description=description, group_name="raw", kinds={"duckdb"})
        for table, description in CONTROL.items()
    ),
]


@multi_asset(
    name="landed_files",
    specs=[spec.replace_attributes(skippable=True, owners=[owner()]) for spec in SPECS],
    can_subset=True,
)
def landed_files(context: AssetExecutionContext, run: GoalpostRun) -> Iterator[MaterializeResult]:
    """Lands every new file, whichever tables are selected. Rows that a part of a run lands wait for the next
    run."""
    run.refuse_what_cannot_be_right()
    report = land_new_files(
        run.settings,
        lambda done, total, path: tell(done, total, "files", terminal.one_line(path)),
        leaves_unsettled=True,
    )
    files = len({file.path for file in report.files})
    tell(files, files, "files")
    if not run.is_partial:
        runs.record_landing(run.settings, run.run_id, report)
    for path, reason in dict.fromkeys((file.path, file.reason) for file in report.set_aside):
        # Dagster also prints it on a terminal (`goalpost dev`).
        context.log.warning(terminal.one_line(f"{path} was set aside: {reason}"))
    for entry in report.ignored[:EXAMPLES]:
        context.log.warning(terminal.one_line(f"{entry.path} was ignored: {entry.reason}"))
    if len(report.ignored) > EXAMPLES:
        context.log.warning(
            f"{len(report.ignored) - EXAMPLES:,} more entries of the landing were ignored: "
            "`goalpost status` lists them."
        )
    for spec in SPECS:
        if spec.key not in context.selected_asset_keys:
            continue
        yield MaterializeResult(
            asset_key=spec.key, metadata={"rows_landed": report.rows_by_table.get(spec.key.path[-1], 0)}
        )
