"""The data behind the figures: how fresh they are, what the checks found, what is quarantined."""

import duckdb
import parts
import streamlit as st
from parts import Column
from published import ask

st.title("Data")
try:
    runs, changes = ask("runs"), ask("mart_changes")
except duckdb.CatalogException:
    parts.nothing(
        "This publication does not say how it was made: an older Goalpost wrote it. The next `goalpost "
        "run` does."
    )
    st.stop()

publication = ask("publication")
now = publication.rows.iloc[0]
checks = ask("checks")
checks.rows["outcome"] = [
    "passed" if success else "FAILED" if severity == "critical" else "warning"
    for success, severity in zip(checks.rows.success, checks.rows.severity, strict=True)
]
landed, quarantine = ask("landed"), ask("quarantine")

parts.heading(
    "Freshness", "Moments are UTC. Counts until: every report leaves out what happened later.", publication
)
parts.metrics(
    {
        "Counts until": (parts.moment(now.as_of), "The clock of the reports."),
        "Published": (parts.moment(now.published_at), "When the last run replaced the published file."),
        "Newest file": (parts.moment(landed.rows.last_loaded_at.max()), "When it was loaded or set aside."),
        "Checks not passed": (
            f"{(checks.rows.outcome != 'passed').sum()} of {len(checks.rows)}",
            "Of the run that published: warnings. A critical check that fails stops a run.",
        ),
        "Rows in quarantine": (parts.whole(sum(quarantine.rows["rows"])), "Rows that could not be staged."),
        "Files set aside": (parts.whole(sum(landed.rows.set_aside)), "Files that could not be read."),
    }
)

parts.heading("Landed", "Of the newest 1,000 files, by table.", landed)
parts.table(
    landed,
    {
        "table_name": Column("Table"),
        "files": Column("Files loaded", "count"),
        "rows": Column("Rows", "count"),
        "set_aside": Column("Files set aside", "count"),
        "last_loaded_at": Column("Last loaded (UTC)", "moment"),
    },
    "landed",
    "No file has landed.",
)

parts.heading("Checks", "Of the run that published. Those that did not pass come first.", checks)
parts.table(
    checks,
    {
        "outcome": Column("Outcome"),
        "severity": Column("Severity", says="critical: nothing is published if it fails."),
        "step": Column("Step"),
        "suite": Column("Table"),
        "expectation": Column("Rule"),
        "figures": Column("Counted", "json"),
    },
    "checks",
    "The run that published made no checks.",
    height=300,
)

parts.heading(
    "Quarantine",
    "Rows that could not be staged, by table and reason. Tick one to see rows of it.",
    quarantine,
)
table = parts.table(
    quarantine,
    {
        "table_name": Column("Table"),
        "reason_code": Column("Reason"),
        "rows": Column("Rows", "count"),
        "last_loaded_at": Column("Last loaded (UTC)", "moment"),
    },
    "quarantine",
    "No row is in quarantine.",
    on_select="rerun",
    selection_mode="single-row",
    selection_default={"selection": {"rows": [0]}},
)
if table and table.selection.rows:
    chosen = quarantine.rows.iloc[table.selection.rows[0]]
    samples = ask("quarantine_samples", table=chosen.table_name, reason=chosen.reason_code)
    parts.heading(
        "Sample rows",
        f"Up to five rows of {parts.escaped(chosen.table_name)} in quarantine for "
        f"{parts.escaped(chosen.reason_code)}, as they landed. Repair them at their source and land them "
        "again.",
        samples,
    )
    parts.table(
        samples,
        {
            "problem": Column("What is wrong"),
            "path": Column("File"),
            "row_number": Column("Row", "count"),
            "raw_row": Column("As it landed", "json"),
        },
        "samples",
    )

parts.heading("Runs", "The last 20, newest first.", runs)
runs.rows["lasted"] = (runs.rows.finished_at - runs.rows.started_at).dt.total_seconds().map(parts.lasted)
parts.table(
    runs,
    {
        "started_at": Column("Started (UTC)", "moment"),
        "lasted": Column("Took"),
        "steps": Column("Steps"),
        "outcome": Column("Outcome"),
        "as_of": Column("Counts until (UTC)", "moment"),
        "is_full_refresh": Column("Full refresh", "yes"),
        "files_loaded": Column("Files", "count"),
        "message": Column("Message"),
    },
    "runs",
    "No run has ended.",
)

parts.heading(
    "What the last runs changed",
    "In the marts, compared with what was published before. First day: from when on figures may differ from "
    "those that you saw. An early day means late data.",
    changes,
)
parts.table(
    changes,
    {
        "finished_at": Column("Run (UTC)", "moment"),
        "mart": Column("Mart"),
        "rows_added": Column("Added", "count"),
        "rows_removed": Column("Removed", "count"),
        "rows_changed": Column("Changed", "count"),
        "first_day": Column("First day"),
    },
    "mart_changes",
    "The last runs changed nothing.",
    height="content" if len(changes.rows) < 12 else 400,
)

outcome = st.segmented_control(
    "Files",
    ["loaded", "set_aside"],
    default="loaded",
    required=True,
    key="files",
    bind="query-params",
    format_func=lambda each: each.replace("_", " "),
)
files = ask("files", outcome=outcome)
parts.heading(
    "Files", "The newest 200. A file that cannot be read is set aside whole; the others still load.", files
)
parts.table(
    files,
    {
        "loaded_at": Column("When (UTC)", "moment"),
        "table_name": Column("Table"),
        "path": Column("File"),
        "rows": Column("Rows", "count"),
        "reason": Column("Why it was set aside"),
    },
    "files",
    "None.",
    height="content" if len(files.rows) < 12 else 400,
)
