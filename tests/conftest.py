"""Applies to all tests: no test sees the caller's settings; which worker runs which test.

Belongs here: what all tests share. Does not: fixtures (each file has its own).
"""

import os
from pathlib import Path

import pytest

# Modes of the tests themselves, not settings of what they test (CONTRIBUTING.md).
MODES = (
    "GOALPOST_BATCHES",
    "GOALPOST_LOAD",
    "GOALPOST_LOAD_SEED",
    "GOALPOST_LONG",
    "GOALPOST_MUTATIONS",
    "GOALPOST_SIMULATION",
    "GOALPOST_SPARK",
)

# Groups of files that one worker of `pytest -n 2` runs together, because they use one home, and files that
# take long (any other file is a group by itself). The longest come first, the others last, so that no worker
# starts a long one when the other has nothing left to do. `pytest --durations=0` tells the times.
PIECES = {
    "demo": ("test_dashboard", "test_demo_numbers", "test_load"),
    "increments": ("test_increments",),
    "erasure": ("test_forget",),
    "code changes": ("test_code_changes",),
    "walks": ("test_recounted_days",),
    "cli": ("test_cli",),
    "kills": ("test_kill",),
    "faults": ("test_faults",),
    "dev": ("test_dev",),
    "parts": ("test_partial_builds",),
    "repair": ("test_repair",),
    "postgres": ("test_publish_postgres",),
    "deep check": ("test_deep_check",),
    "history": ("test_dagster_postgres",),
    "affected": ("test_affected_from",),
    "interruption": ("test_interruption",),
    "scenarios": ("test_scenarios_", "test_mutations"),
    "shortcuts": ("test_shortcuts",),
    "redo": ("test_redo",),
    "goals in a pipeline": ("test_goals_pipeline",),
    "first look": ("test_first_look",),
    "alerts": ("test_alerts",),
    "metrics": ("test_metrics",),
    "edges": ("test_edges_of_increments",),
    "vendors": ("test_vendor_stories",),
    "worlds": ("test_worlds",),
    "unit tests": ("test_dbt_unit_tests",),
    "dagster": ("test_dagster",),
    "benchmark": ("test_benchmark",),
}

# `make test-fast`, and so `make check`: the tests that take seconds and find most faults.
FAST = (
    "test_conftest",
    "test_docs",
    "test_goals_files",
    "test_goals_filters",
    "test_goals_reading",
    "test_landing_csv",
    "test_landing_json",
    "test_landing_parquet",
    "test_reference",
    "test_scenarios_",
)


def forget_the_callers_settings() -> None:
    """The tests must not use a home that a shell variable still names."""
    for name in list(os.environ):
        if name.startswith(("GOALPOST_", "DAGSTER_", "DBT_")) and name not in MODES:
            del os.environ[name]


forget_the_callers_settings()  # before anything is imported that reads them


def piece_of(file: str) -> str:
    return next((piece for piece, files in PIECES.items() if file.startswith(files)), file)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    places = {piece: place for place, piece in enumerate(PIECES)}
    items.sort(key=lambda item: places.get(piece_of(item.path.stem), len(places)))
    for item in items:
        if item.path.stem.startswith(FAST):
            item.add_marker(pytest.mark.fast)
        if item.get_closest_marker("long") and "GOALPOST_LONG" not in os.environ:
            item.add_marker(pytest.mark.skip(reason="GOALPOST_LONG=1 runs it (CONTRIBUTING.md)"))


@pytest.hookimpl(optionalhook=True)  # who runs a file alone needs no xdist
def pytest_xdist_make_scheduler(config: pytest.Config, log):
    """xdist's own marks for this, xdist_group, are without effect under pytest 9.2 (pytest-xdist 1386)."""
    from xdist.scheduler import LoadScopeScheduling

    class PieceByPiece(LoadScopeScheduling):
        def _split_scope(self, nodeid: str) -> str:
            return piece_of(Path(nodeid.split("::")[0]).stem)

    config.option.loadscopereorder = False  # by the number of tests, which says nothing of their time
    return PieceByPiece(config, log)
