"""Which models an incremental run leaves out, because building them again would change nothing; how many of
the others it builds at a time; and which of their rows it changes.

Belongs here: these decisions, from dbt's manifest and what landed. Does not: running dbt (defs/models.py, and
the benchmark, which does the same).
"""

from collections.abc import Collection, Mapping
from contextlib import closing
from graphlib import TopologicalSorter
from typing import Any

from orchestration.contract import RAW_TABLES
from orchestration.mart_changes import Rows
from orchestration.settings import Settings
from orchestration.warehouse import connect

WATERMARK = "macro.goalpost.watermark"
ASKED = "macro.goalpost.asked_once"
# A row of any other table is a definition, and may affect everything that ever happened.
FACTS = tuple(table.name for table in RAW_TABLES.values() if table.is_fact)
FEW_ROWS = 1_000_000


def landed_rows(settings: Settings) -> dict[str, int]:
    """The number of rows, by raw table, in the files that no run has built yet. If a part is to be computed
    again (repair.redo), every table has an entry, so that no mart is left out.

    Raises GoalpostError if the warehouse cannot be opened; lets duckdb.Error pass.
    """
    with closing(connect(settings, read_only=True)) as connection:
        found = connection.execute(
            "select table_name, sum(rows)::bigint from raw.files "
            "where file_id > (select file_id from control.watermark) and outcome = 'loaded' "
            "group by table_name"
        ).fetchall()
        is_to_redo = connection.execute("from control.redo limit 1").fetchall()
    return (dict.fromkeys(RAW_TABLES, 0) if is_to_redo else {}) | dict(found)


def models_at_a_time(landed: Mapping[str, int]) -> int:
    """How many models to build at a time. With few rows a model keeps only one core busy, so two take little
    longer than one. With many rows each would have half the memory, and DuckDB uses all cores for one."""
    return 2 if landed.keys() <= set(FACTS) and sum(landed.values()) <= FEW_ROWS else 1


def left_out(manifest: Mapping[str, Any], landed: Collection[str]) -> set[str]:
    """The ids of the nodes that an incremental run leaves out. Either they change only with the code, which
    causes a rebuild anyway: seeds, and views whose SQL embeds no query result (the watermark is such a
    result). Or nothing landed in any raw table that they depend on."""
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
    """The ids of tests that read only models that are left out."""
    return {
        name
        for name, node in manifest["nodes"].items()
        if node["resource_type"] == "test" and set(node["depends_on"]["nodes"]) <= set(unbuilt)
    }


def recompute_moments(manifest: Mapping[str, Any]) -> dict[str, str]:
    """The moment of a row, by the name of each model that declares it (`recompute_from`). An increment
    changes only rows of affected profiles whose moment, before or after the change, is at or after their
    affected_from (docs/increments.md)."""
    return {
        node["name"]: node["config"]["meta"]["recompute_from"]
        for node in manifest["nodes"].values()
        if node["resource_type"] == "model" and node["config"].get("meta", {}).get("recompute_from")
    }


def rows_that_can_change(manifest: Mapping[str, Any], rebuilt: Collection[str] | None) -> Rows:
    """How to find what a run changed (mart_changes.py). `rebuilt`: the models in which it may have changed
    any row; None: all. Where rows are also replaced by their key (unique_key), the moment of a row can be
    earlier before or after the change: there, all rows of a profile that has a later one."""
    keys, can_change, moments = {}, {}, recompute_moments(manifest)
    for node in manifest["nodes"].values():
        test = node.get("test_metadata") or {}
        if test.get("name") == "unique_key":
            keys[node["attached_node"].rpartition(".")[2]] = test["kwargs"]["columns"]
    by_key = {node["name"] for node in manifest["nodes"].values() if node["config"].get("unique_key")}
    affected = "intermediate.int_affected_profiles"
    for name, moment in moments.items():
        if rebuilt is None or name in rebuilt:
            continue
        is_later = (
            f"{moment} >= (select min(affected_from) from {affected}) and exists ("
            f"select 1 from {affected} as affected "
            f"where affected.profile_key = kept.profile_key and {moment} >= affected.affected_from)"
        )
        profiles = " union all ".join(
            f'select profile_key from {state}."{name}" as kept where {is_later}'
            for state in ("before", "marts")
        )
        can_change[name] = f"profile_key in ({profiles})" if name in by_key else is_later
    return Rows(keys, moments, can_change)


def increment_arguments(
    manifest: Mapping[str, Any], unbuilt: Collection[str], landed: Mapping[str, int]
) -> list[str]:
    """The arguments of `dbt build` in an incremental run."""
    idle = {*unbuilt, *idle_tests(manifest, unbuilt)}
    names = sorted(manifest["nodes"][node]["name"] for node in idle)
    return ["--exclude", *names, "--threads", str(models_at_a_time(landed))]


def _looks_for_what_is_new(node: Mapping[str, Any], manifest: Mapping[str, Any]) -> bool:
    """Does the model find new rows by the watermark? Then it must run to find that there are none now. A base
    model reads only its raw table, so it need not."""
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
