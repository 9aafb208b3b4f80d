"""Grain: one row per distinct text of a filter or a definition that ever landed: whether it is valid, why
not, and its normal form.

Filters and definitions are trees, so Python reads them (orchestration/goals/reading.py, SEMANTICS sections 3
and 4), with the same code that `goalpost goals validate` runs. The result depends only on the text, not on
its workspace or when it landed. Incremental: each text is read once.
"""

import pyarrow

FIELDS = ["kind", "landed_text", "reason_code", "problem", "normal_form", "core_hash"]
SCHEMA = pyarrow.schema(
    [(name, pyarrow.string()) for name in FIELDS] + [("unknown_keys", pyarrow.list_(pyarrow.string()))]
)


def model(dbt, session):
    dbt.config(materialized="incremental", incremental_strategy="append")
    goals = dbt.source("raw", "goals").project("'definition' as kind, definition as landed_text")
    segments = dbt.source("raw", "segments").project("'filter' as kind, filter as landed_text")
    sources = dbt.source("raw", "sources").project("'filter' as kind, trigger_filter as landed_text")
    landed = goals.union(segments).union(sources).filter("landed_text is not null").distinct()
    if dbt.is_incremental:
        landed = landed.except_(session.table(str(dbt.this)).project("kind, landed_text"))
    texts = sorted(landed.fetchall())
    if texts:  # reading them takes imports that cost more than a day's models
        from orchestration.goals.reading import read_definition, read_filter

    rows = []
    for kind, landed_text in texts:
        reading = read_definition(landed_text) if kind == "definition" else read_filter(landed_text)
        rows.append(
            {
                "kind": kind,
                "landed_text": landed_text,
                "reason_code": reading.reason_code,
                "problem": reading.problem,
                "normal_form": reading.normal_form,
                "core_hash": reading.core_hash,
                "unknown_keys": list(reading.unknown_keys),
            }
        )
    return pyarrow.Table.from_pylist(rows, schema=SCHEMA)
