"""Which models an incremental run leaves out, because building them again would change nothing.

Belongs here: that decision, from dbt's manifest and the tables of which files landed. Does not: running dbt
(defs/models.py, and the benchmark, which leaves out the same).
"""

from collections.abc import Mapping, Set
from contextlib import closing
from graphlib import TopologicalSorter
from typing import Any

from orchestration.settings import Settings
from orchestration.warehouse import connect

WATERMARK = "macro.goalpost.watermark"


def landed_tables(settings: Settings) -> set[str]:
    """The raw tables with files that no run has built yet."""
    with closing(connect(settings, read_only=True)) as connection:
        found = connection.execute(
            "select distinct table_name from raw.files "
            "where file_id > (select file_id from control.watermark) and outcome = 'loaded'"
        ).fetchall()
    return {table for (table,) in found}


def left_out(manifest: Mapping[str, Any], landed: Set[str]) -> set[str]:
    """The ids of nodes. Either they change with the code alone, which asks for a full refresh by itself:
    seeds, and the views of staging and quarantine. (A view further down may read from_scratch() or the
    watermark: its text is another in each run.) Or nothing landed in any raw table that they stand on."""
    nodes = {
        name: node for name, node in manifest["nodes"].items() if node["resource_type"] in ("model", "seed")
    }
    parents = {name: set(node["depends_on"].get("nodes", ())) for name, node in nodes.items()}
    unchanged = {
        name
        for name, source in manifest["sources"].items()
        if source["source_name"] == "raw" and source["name"] not in landed
    }
    for name in TopologicalSorter(parents).static_order():
        if name in nodes and parents[name] <= unchanged and not _looks_for_what_is_new(nodes[name], manifest):
            unchanged.add(name)
    return {name for name, node in nodes.items() if name in unchanged or _changes_with_the_code_alone(node)}


def _looks_for_what_is_new(node: Mapping[str, Any], manifest: Mapping[str, Any]) -> bool:
    """By the watermark, and must find that there is nothing now. A base model looks in its raw table only."""
    return node["schema"] != "staging" and WATERMARK in _macros(node, manifest)


def _macros(node: Mapping[str, Any], manifest: Mapping[str, Any]) -> set[str]:
    found: set[str] = set()
    waiting = list(node["depends_on"]["macros"])
    while waiting:
        name = waiting.pop()
        if name not in found and name in manifest["macros"]:
            found.add(name)
            waiting += manifest["macros"][name]["depends_on"]["macros"]
    return found


def _changes_with_the_code_alone(node: Mapping[str, Any]) -> bool:
    return node["resource_type"] == "seed" or (
        node["config"]["materialized"] == "view" and node["schema"] in ("staging", "quarantine")
    )
