"""What an incremental run skips: it never skips a model that a new row could change."""

import pytest
from pipeline import manifest

from orchestration.contract import RAW_TABLES
from orchestration.selection import FACTS, idle_tests, left_out, models_at_a_time
from orchestration.settings import DBT_PROJECT


def names(*landed: str) -> set[str]:
    project = manifest(DBT_PROJECT).to_dict()
    return {project["nodes"][node]["name"] for node in left_out(project, set(landed))}


def test_on_a_day_without_definitions_what_stands_on_them_alone_is_left_out():
    found = names(*FACTS)

    assert {"base_goals", "base_sources", "base_definitions", "dim_sources", "dim_segments"} <= found
    assert {"int_workspaces", "channels", "stg_events", "quarantine_events"} <= found


def test_what_follows_the_clock_the_watermark_or_a_first_send_is_never_left_out():
    built = {"dim_goals", "int_goal_rows", "int_goal_versions", "int_filters", "int_definitions"}
    built |= {"int_touched_deliveries", "int_affected_profiles", "int_recounted_days", "rpt_goal_summary"}
    built |= {"fct_impressions", "row_accounting"}

    assert not built & names()


@pytest.mark.parametrize("table", RAW_TABLES)
def test_the_base_rows_of_a_table_are_judged_when_something_of_it_landed(table):
    assert f"base_{table}" not in names(table)
    assert f"base_{table}" in names()


def test_a_new_text_of_a_filter_is_read():
    for table in ("goals", "segments", "sources"):
        assert "base_definitions" not in names(table)


def test_only_a_few_rows_of_facts_are_built_by_two_models_at_a_time():
    assert models_at_a_time({"events": 1_000_000}) == 2
    assert models_at_a_time({}) == 2
    assert models_at_a_time({"events": 600_000, "deliveries": 600_000}) == 1
    assert models_at_a_time({"events": 1, "goals": 1}) == 1


def test_a_view_whose_sql_embeds_no_query_result_is_left_out():
    assert "int_non_touches" in names(*RAW_TABLES)
    assert "int_touches" not in names()


def test_a_test_is_left_out_if_all_that_it_looks_at_is():
    project = manifest(DBT_PROJECT).to_dict()
    unbuilt = left_out(project, FACTS)
    idle = {project["nodes"][node]["name"] for node in idle_tests(project, unbuilt)}

    assert {"unique_key_channels_channel", "unique_key_dim_segments_workspace_id__segment_id"} <= idle
    assert not any("fct_" in name or "rpt_" in name for name in idle)
