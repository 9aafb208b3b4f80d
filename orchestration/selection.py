"""Which models an incremental run leaves out, because building them again would change nothing, how many of
the others it builds at a time, and which of their rows it changes.

Belongs here: these decisions, from dbt's manifest and what landed. Does not: running dbt (defs/models.py, and
the benchmark, which does the same).
"""

from collections.abc import Collection, Mapping
from contextlib import closing
from graphlib import TopologicalSorter
from typing import Any

from orchestration.contract import RAW_TABLES
from orchestration.settings import Settings
from orchestration.warehouse import connect

WATERMARK = "macro.goalpost.watermark"
ASKED = "macro.goalpost.asked_once"
# A row of any other table is a definition, and may concern all that ever happened.
FACTS = tuple(table.name for table in RAW_TABLES.values() if table.is_fact)
FEW_ROWS = 1_000_000


def landed_rows(settings: Settings) -> dict[str, int]:
    """By raw table, of the files that no run has built yet."""
    with closing(connect(settings, read_only=True)) as connection:
        found = connection.execute(
            "select table_name, sum(rows)::bigint from raw.files "
            "where file_id > (select file_id from control.watermark) and outcome = 'loaded' "
            "group by table_name"
        ).fetchall()
    return dict(found)


def models_at_a_time(landed: Mapping[str, int]) -> int:
    """Few rows keep one core busy, so that two models take little longer than one. With many each would have
    half the memory, and DuckDB uses all cores for one."""
    return 2 if landed.keys() <= set(FACTS) and sum(landed.values()) <= FEW_ROWS else 1


def left_out(manifest: Mapping[str, Any], landed: Collection[str]) -> set[str]:
    """The ids of nodes. Either they change only with the code, which asks for a full refresh by itself:
    seeds, and views whose SQL embeds no query result (the watermark is such a result). Or nothing landed in
    any raw table that they are built from."""
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
    return {
        name
        for name, node in nodes.items()
        if name in unchanged or _changes_with_the_code_alone(node, manifest)
    }


def idle_tests(manifest: Mapping[str, Any], unbuilt: Collection[str]) -> set[str]:
    """The ids of tests that look at nothing but what is left out."""
    return {
        name
        for name, node in manifest["nodes"].items()
        if node["resource_type"] == "test" and set(node["depends_on"]["nodes"]) <= set(unbuilt)
    }


def recompute_moments(manifest: Mapping[str, Any]) -> dict[str, str]:
    """By the name of each model that says it: the moment of a row. An increment changes only rows of affected
    profiles whose moment is at or after their affected_from, before or after it (docs/increments.md)."""
    return {
        node["name"]: node["config"]["meta"]["recompute_from"]
        for node in manifest["nodes"].values()
        if node["resource_type"] == "model" and node["config"].get("meta", {}).get("recompute_from")
    }


def increment_arguments(
    manifest: Mapping[str, Any], unbuilt: Collection[str], landed: Mapping[str, int]
) -> list[str]:
    """What `dbt build` is told in an incremental run."""
    idle = {*unbuilt, *idle_tests(manifest, unbuilt)}
    names = sorted(manifest["nodes"][node]["name"] for node in idle)
    return ["--exclude", *names, "--threads", str(models_at_a_time(landed))]


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


def _changes_with_the_code_alone(node: Mapping[str, Any], manifest: Mapping[str, Any]) -> bool:
    return node["resource_type"] == "seed" or (
        node["config"]["materialized"] == "view" and ASKED not in _macros(node, manifest)
    )
