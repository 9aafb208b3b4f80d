"""Section 2: which row is valid, and why a row is refused. (Files and formats: test_landing*.py.)"""

import json
from datetime import UTC, datetime, timedelta

from scenarios import PAID, scenario

EVENT = {"event_id": "e", "profile_id": "ann", "name": "purchase", "occurred_at": "2024-03-01"}


@scenario
def test_of_rows_with_one_key_the_highest_sequence_stands(story):
    for name, sequence in (("first", None), ("negative", -1), ("tenth", 10), ("ninth", 9)):
        story.land("events", **EVENT | {"name": name}, sequence=sequence)
    story.goal(target={"event": {"name": "tenth"}})
    marts = yield
    assert marts.achievers() == {"ann"}


@scenario
def test_an_absent_sequence_is_0_and_of_a_tie_the_greatest_text_stands(story):
    for name, sequence in (("b", None), ("c", -1), ("a", 0)):
        story.land("events", **EVENT | {"name": name, "event_id": "absent"}, sequence=sequence)
    for name, sequence in (("a", None), ("b", 0)):
        story.land("events", **EVENT | {"name": name, "event_id": "zero"}, sequence=sequence)
    story.goal(target={"event": {"name": "b"}})
    marts = yield
    assert len(marts.fct_achievements) == 2


@scenario
def test_ties_go_by_the_columns_in_their_order_as_text_and_a_null_never_beats_a_value(story):
    story.land(
        "sources",
        source_id="by_name",
        updated_at="2024-01-01",
        source_type="campaign",
        status="active",
        name="b",
    )
    story.land(
        "sources",
        source_id="by_name",
        updated_at="2024-01-01",
        source_type="campaign",
        status="stopped",
        name="a",
    )
    story.land(
        "sources", source_id="null", updated_at="2024-01-01", source_type="campaign", status="draft", name="a"
    )
    story.land(
        "sources",
        source_id="null",
        updated_at="2024-01-01",
        source_type="campaign",
        status="stopped",
        name=None,
    )
    story.land("journeys", journey_id="j", source_id="null", profile_id="ann", entered_at="2024-03-01")
    story.land("journeys", journey_id="j", source_id="null", profile_id="bob", entered_at="2024-02-01")
    marts = yield
    assert marts.dim_sources.by("source_id", "name") == {"by_name": "b", "null": "a"}


@scenario
def test_a_faulty_row_leaves_before_keys_are_compared(story):
    story.land("events", **EVENT, sequence=1)
    story.land("events", **EVENT | {"occurred_at": "soon"}, sequence=2)
    story.goal()
    marts = yield
    assert marts.achievers() == {"ann"}
    assert marts.quarantined("events") == ["bad_timestamp"]


@scenario
def test_each_fault_has_its_reason_code_and_the_first_match_counts(story):
    faults = {
        "missing_key": {"name": None, "occurred_at": "soon"},
        "bad_key": {"event_id": "a\tb", "properties": "{"},
        "bad_timestamp": {"occurred_at": "1704067200", "sequence": "x"},
        "bad_json": {"properties": "{'a': 1}", "sequence": "x"},
        "bad_enum": {"sequence": "1.0", "received_at": "2999-01-01"},
        "future_timestamp": {"received_at": "2999-01-01"},
    }
    for columns in faults.values():
        story.land("events", **EVENT | columns)
    marts = yield
    assert marts.quarantined("events") == sorted(faults)


@scenario
def test_enums_booleans_and_time_zones_are_bad_enum(story):
    story.workspace(time_zone="Europe/Atlantis")
    story.delivery("d1", "2024-03-01", source_type="newsletter")
    story.delivery("d2", "2024-03-01", is_holdout="yes")
    story.engagement("read", "d1", "2024-03-01")
    story.source(status="paused")
    marts = yield
    assert (
        marts.quarantined("workspaces")
        == marts.quarantined("engagements")
        == marts.quarantined("sources")
        == ["bad_enum"]
    )
    assert marts.quarantined("deliveries") == ["bad_enum", "bad_enum"]


@scenario
def test_goal_ids_that_are_no_list_of_ids_are_bad_definition(story):
    story.goal()
    for number, goal_ids in enumerate(({"a": 1}, "goal", [1.5], ["goal", None])):
        story.land("funnels", funnel_id=f"f{number}", updated_at="2024-01-01", goal_ids=json.dumps(goal_ids))
    story.funnel("goal")
    marts = yield
    assert marts.quarantined("funnels") == ["bad_definition"] * 4
    assert marts.rpt_goal_funnel.column("funnel_id") == ["funnel"]


@scenario
def test_a_time_more_than_one_day_after_its_file_landed_is_in_the_future(story):
    now = datetime.now(UTC)
    story.goal(definition_policy="retroactive")
    for hours in (-1, 23, 25, 47):
        story.event("purchase", (now + timedelta(hours=hours)).isoformat(), person=f"in {hours} hours")
    marts = yield
    assert marts.achievers() == {"in -1 hours", "in 23 hours"}
    assert marts.quarantined("events") == ["future_timestamp"] * 2


@scenario
def test_data_start_at_may_lie_in_the_future(story):
    story.workspace(data_start_at="2999-01-01")
    story.goal()
    story.event("purchase", "2024-03-01")
    marts = yield
    assert marts.quarantined("workspaces") == []
    assert marts.fct_achievements == []


@scenario
def test_times_are_read_with_any_offset_and_decimals_past_six_are_cut(story):
    story.goal()
    moments = (
        "2024-03-01",
        "2024-03-02T10:00Z",
        "2024-03-03 10:00:00+02",
        "2024-03-04T10:00:00.1234569-0530",
        "2024-03-05T10:00:00+05:45",
    )
    for moment in moments:
        story.event("purchase", moment)
    marts = yield
    assert marts.fct_achievements.column("achieved_at") == [
        "2024-03-01",
        "2024-03-02T10:00:00",
        "2024-03-03T08:00:00",
        "2024-03-04T15:30:00.123456",
        "2024-03-05T04:15:00",
    ]


@scenario
def test_of_a_repeated_json_key_the_first_wins(story):
    story.goal(target={"profile": PAID})
    story.land(
        "profile_snapshots",
        profile_id="ann",
        observed_at="2024-03-01",
        properties='{"plan": "paid", "plan": "free"}',
    )
    marts = yield
    assert marts.achievers() == {"ann"}


@scenario
def test_a_corrected_row_moves_its_facts_to_another_person(story):
    story.goal()
    story.land("events", **EVENT)
    story.land("events", **EVENT | {"profile_id": "bob"}, sequence=1)
    marts = yield
    assert marts.achievers() == {"bob"}


@scenario
def test_a_workspace_that_has_not_landed_has_the_defaults(story):
    story.goal(impact={"value": 1}, measurement_window_days=0)
    story.delivery("d1", "2024-03-01T12:00:00")
    story.event("purchase", "2024-03-01T13:00:00")
    marts = yield
    assert marts.fct_enrollments.one["window_ends_at"] == "2024-03-01T23:59:59.999999"
    assert marts.fct_conversions.one["impact_currency"] == "USD"


@scenario
def test_the_landed_workspace_of_the_highest_sequence_stands(story):
    story.workspace(time_zone="America/New_York", currency="EUR", sequence=2)
    story.workspace(time_zone="Asia/Kathmandu", currency="NPR", sequence=1)
    story.goal(impact={"value": 1}, measurement_window_days=0)
    story.delivery("d1", "2024-03-01T12:00:00")
    story.event("purchase", "2024-03-01T13:00:00")
    marts = yield
    assert marts.fct_enrollments.one["window_ends_at"] == "2024-03-02T04:59:59.999999"
    assert marts.fct_conversions.one["impact_currency"] == "EUR"
