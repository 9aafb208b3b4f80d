"""Examples computed by hand, to test the reference itself; and that the worlds have the edge cases they
should."""

import json
from datetime import date, datetime, timedelta
from decimal import Decimal

from reference import LandedRow, Result, compute
from reference.facts import CREDIT_MODELS
from reference.values import end_of_local_day, local_day
from worlds import FAULTS, FORMATS, as_of, merged, smallest, world, write

AS_OF = datetime(2024, 6, 1)
PAID = {"property": "plan", "op": "eq", "value": "paid"}
PURCHASE = {"name": "purchase"}


class Landing:
    """Rows of one workspace, landed one after another."""

    def __init__(self) -> None:
        self.rows: list[LandedRow] = []

    def land(self, table: str, **values) -> "Landing":
        texts = {"workspace_id": "w"} | {
            name: json.dumps(value) if isinstance(value, dict | list) else value
            for name, value in values.items()
        }
        self.rows.append(
            LandedRow(table, f"{table}/a.jsonl", len(self.rows) + 1, texts, datetime(2024, 5, 1))
        )
        return self

    def goal(self, updated_at: str = "2024-01-01", **definition) -> "Landing":
        definition = {"measurement_window_days": 7, "sources": ["c"]} | definition
        return self.land("goals", goal_id="g", updated_at=updated_at, definition=definition)

    def snapshot(self, observed_at: str, **properties) -> "Landing":
        return self.land("profile_snapshots", profile_id="p", observed_at=observed_at, properties=properties)

    def event(self, event_id: str, occurred_at: str, name: str = "purchase", **properties) -> "Landing":
        columns = {"event_id": event_id, "profile_id": "p", "name": name}
        return self.land("events", **columns, occurred_at=occurred_at, properties=properties)

    def delivery(self, delivery_id: str, sent_at: str | None, channel: str = "email", **columns) -> "Landing":
        columns = {"source_type": "campaign", "source_id": "c", "profile_id": "p"} | columns
        return self.land("deliveries", delivery_id=delivery_id, sent_at=sent_at, channel=channel, **columns)

    def engagement(self, delivery_id: str, metric: str, occurred_at: str, **columns) -> "Landing":
        columns |= {"engagement_id": f"{delivery_id} {metric} {occurred_at}", "delivery_id": delivery_id}
        return self.land("engagements", metric=metric, occurred_at=occurred_at, **columns)

    def journey(self, entered_at: str, **columns) -> "Landing":
        columns = {"journey_id": "j", "source_id": "c", "profile_id": "p"} | columns
        return self.land("journeys", entered_at=entered_at, **columns)

    def computed(self, as_of: datetime = AS_OF) -> Result:
        return compute(self.rows, as_of)


def column(rows: list[dict], name: str) -> list:
    return [row[name] for row in rows]


def test_two_messages_opened_out_of_order_credit_the_first():
    landing = Landing().goal(target={"event": PURCHASE}, attribution={"criteria": {"email": "opened"}})
    landing.delivery("d1", "2024-01-02").delivery("d2", "2024-01-03")
    landing.engagement("d2", "opened", "2024-01-04").engagement("d1", "opened", "2024-01-05")
    landing.event("e", "2024-01-06")
    (attribution,) = landing.computed().marts["fct_attributions"]
    assert attribution["delivery_id"] == "d1"


def test_a_slack_step_and_an_attribute_update_take_no_credit():
    landing = Landing().goal(target={"event": PURCHASE}).delivery("d1", "2024-01-02")
    landing.delivery("d2", "2024-01-03", "slack").delivery("d3", "2024-01-04", "attribute_update")
    marts = landing.event("e", "2024-01-06").computed().marts
    assert column(marts["fct_attributions"], "delivery_id") == ["d1"]
    assert column(marts["fct_impressions"], "delivery_id") == ["d1"]


def test_a_purchase_of_9_99_is_not_more_than_9_99():
    total = {"property": "total", "op": "gt", "value": 9.99}
    landing = Landing().goal(target={"event": PURCHASE | {"filter": total}})
    landing.event("e1", "2024-01-06", total=9.99).event("e2", "2024-01-07", total="9.991")
    assert column(landing.computed().marts["fct_achievements"], "achieved_at") == [datetime(2024, 1, 7)]


def test_a_person_already_in_the_goal_state_is_not_enrolled():
    landing = Landing().goal(target={"profile": PAID}).snapshot("2024-01-01", plan="paid")
    landing.delivery("d1", "2024-01-02")
    marts = landing.computed().marts
    assert column(marts["fct_impressions"], "outcome") == ["already_achieved"]
    assert marts["fct_enrollments"] == []


def test_a_conversion_sticks_when_the_property_reverts_and_a_return_is_a_second_achievement():
    landing = Landing().goal(target={"profile": PAID}).delivery("d1", "2024-01-02")
    landing.snapshot("2024-01-03", plan="paid").snapshot("2024-01-04", plan="free")
    landing.snapshot("2024-01-05", plan="paid")
    marts = landing.computed().marts
    assert column(marts["fct_achievements"], "achievement_number") == [1, 2]
    (conversion,) = marts["fct_conversions"]
    assert conversion["converted_at"] == datetime(2024, 1, 3)
    (enrollment,) = marts["fct_enrollments"]
    assert enrollment["seconds_to_convert"] == Decimal("86400.000000")


def test_a_window_is_closed_at_both_ends_and_a_microsecond_later_is_outside():
    for occurred_at, conversions in (("2024-01-09", 1), ("2024-01-09T00:00:00.000001Z", 0)):
        landing = Landing().goal(target={"event": PURCHASE}).delivery("d1", "2024-01-02")
        assert len(landing.event("e", occurred_at).computed().marts["fct_conversions"]) == conversions


def test_a_window_of_0_days_ends_with_the_calendar_day_of_the_workspace():
    enrolled_at = datetime(2024, 3, 10, 8)  # New York: 03:00 on the 23-hour day
    assert local_day(enrolled_at, "America/New_York") == date(2024, 3, 10)
    assert end_of_local_day(enrolled_at, "America/New_York") == datetime(2024, 3, 11, 3, 59, 59, 999999)


def test_a_locked_goal_refuses_a_new_target_and_keeps_counting_under_the_old_one():
    landing = Landing().goal(target={"event": PURCHASE}).delivery("d1", "2024-01-02")
    landing.goal("2024-01-03", target={"event": {"name": "signup"}})
    landing.goal("2024-01-04", target={"event": PURCHASE}, name="A new name is no new core")
    landing.event("e", "2024-01-05").event("f", "2024-01-05", name="signup")
    result = landing.computed()
    assert column(result.quarantine["goals"], "reason_code") == ["goal_locked"]
    assert column(result.marts["fct_achievements"], "goal_version") == [datetime(2024, 1, 4)]
    assert result.accounting["goals"] == {"landed": 3, "staged": 2, "superseded": 0, "quarantined": 1}
    assert column(result.marts["dim_goals"], "is_locked") == [True, True]


def test_a_retroactive_goal_that_was_archived_counts_until_its_first_archiving_row():
    landing = Landing()
    for updated_at, status in (
        ("2024-01-10", "active"),
        ("2024-01-20", "archived"),
        ("2024-01-30", "archived"),
    ):
        landing.goal(updated_at, target={"event": PURCHASE}, status=status, definition_policy="retroactive")
    landing.event("e1", "2024-01-05").event("e2", "2024-01-20").event("e3", "2024-01-19T23:59:59.999999")
    achieved = column(landing.computed().marts["fct_achievements"], "achieved_at")
    assert achieved == [datetime(2024, 1, 5), datetime(2024, 1, 19, 23, 59, 59, 999999)]


def test_the_credits_of_three_touches():
    landing = Landing().goal(target={"event": PURCHASE}, attribution={"window_days": 30})
    for delivery_id, sent_at in (("d1", "2024-01-01"), ("d2", "2024-01-08"), ("d3", "2024-01-15")):
        landing.delivery(delivery_id, sent_at)
    touches = landing.event("e", "2024-01-15").computed().marts["fct_touches"]
    assert column(touches, "touch_number") == [1, 2, 3]
    assert column(touches, "credit_linear") == [
        Decimal("0.333333333333"),
        Decimal("0.333333333333"),
        Decimal("0.333333333334"),
    ]
    assert column(touches, "credit_position") == [Decimal("0.4"), Decimal("0.2"), Decimal("0.4")]
    assert column(touches, "credit_time_decay") == [  # 1/4, 1/2 and 1 of 7/4
        Decimal("0.142857142857"),
        Decimal("0.285714285714"),
        Decimal("0.571428571429"),
    ]


def test_the_credits_of_any_number_of_touches_sum_to_1():
    for touches in range(1, 30):
        ages = [timedelta(hours=7 * number**2) for number in range(touches, 0, -1)]
        assert all(sum(model(ages)) == 1 for model in CREDIT_MODELS.values())


def test_a_course_is_completed_only_by_its_own_journey():
    match = {"event_property": "course_id", "trigger_property": "course_id"}
    landing = Landing().goal(target={"event": PURCHASE, "trigger_match": [match]})
    landing.journey("2024-01-02", trigger_properties={"course_id": 7})
    landing.delivery("d1", "2024-01-02", journey_id="j").delivery("d2", "2024-01-03")
    landing.event("e1", "2024-01-04", course_id="8").event("e2", "2024-01-05", course_id="7.0")
    marts = landing.computed().marts
    assert column(marts["fct_conversions"], "converted_at") == [datetime(2024, 1, 5)]
    assert column(marts["fct_delivery_conversions"], "delivery_id") == ["d1"]
    assert column(marts["fct_attributions"], "delivery_id") == ["d2", "d2"]


def test_the_reasons_for_unattributed():
    criteria = {"criteria": {"email": "opened"}, "window_days": 1}
    for engaged_at, reason in (("2024-01-03", "outside_window"), ("2024-01-07", "no_qualifying_metric")):
        landing = (
            Landing().goal(target={"event": PURCHASE}, attribution=criteria).delivery("d1", "2024-01-02")
        )
        landing.engagement("d1", "opened", engaged_at).event("e", "2024-01-06")
        assert column(landing.computed().marts["fct_attributions"], "unattributed_reason") == [reason]
    landing = Landing().goal(target={"event": PURCHASE}).event("e", "2024-01-06")
    assert column(landing.computed().marts["fct_attributions"], "unattributed_reason") == ["no_delivery"]


def test_a_person_who_stops_matching_leaves_before_the_next_message():
    source = {"source_id": "c", "updated_at": "2024-01-01", "source_type": "campaign", "status": "active"}
    landing = Landing().land("sources", **source, exit_condition="unmatched", trigger_filter=PAID)
    landing.journey("2024-01-02").snapshot("2024-01-01", plan="paid")
    landing.snapshot("2024-01-04", plan="free").snapshot("2024-01-05", plan="paid")  # back before the message
    landing.snapshot("2024-01-07", plan="free")
    for day in (3, 6, 8, 9):
        landing.delivery(f"d{day}", f"2024-01-0{day}", journey_id="j")
    (left,) = landing.computed().marts["fct_journey_exits"]
    assert (left["exit_reason"], left["exit_at"]) == ("unmatched", datetime(2024, 1, 7))
    assert left["messages_after_exit"] == 2


def test_progress_has_every_period_and_the_days_sum_to_the_months():
    landing = Landing().goal(target={"event": PURCHASE}, impact={"value": 10})
    landing.land("workspaces", time_zone="America/New_York")
    landing.event("e1", "2024-01-31T23:00:00Z").event("e2", "2024-02-01T05:00:00Z")
    rows = landing.computed(as_of=datetime(2024, 2, 3, 12)).marts["rpt_goal_progress"]
    days = [row for row in rows if row["period"] == "day"]
    assert column(days, "period_start") == [date(2024, 1, 31), *(date(2024, 2, day) for day in (1, 2, 3))]
    assert column(days, "achievers") == [1, 0, 0, 0]
    assert column(days, "running_impact") == [10, 20, 20, 20]
    months = [row for row in rows if row["period"] == "month"]
    assert column(months, "achievements") == [1, 1]


def test_a_funnel_counts_who_takes_each_step_in_time():
    landing = Landing().goal(target={"event": PURCHASE})
    definition = {"target": {"event": {"name": "refund"}}, "measurement_window_days": None}
    landing.land("goals", goal_id="h", updated_at="2024-01-01", definition=definition)
    funnel = {"funnel_id": "f", "updated_at": "2024-01-01", "window_days": "1"}
    landing.land("funnels", **funnel, goal_ids=["g", "h"])
    landing.event("e1", "2024-01-02").event("e2", "2024-01-03", name="refund")
    first, second = landing.computed().marts["rpt_goal_funnel"]
    assert (first["profiles"], first["share_of_first"], first["drop_off"]) == (1, 1.0, None)
    assert (second["profiles"], second["drop_off"], second["median_seconds"]) == (1, 0, 86400)


def test_of_rows_with_one_key_the_highest_sequence_stands_and_ties_go_to_the_greatest_text():
    landing = Landing()
    for properties, sequence in (({"plan": "a"}, None), ({"plan": "c"}, "-1"), ({"plan": "b"}, "0")):
        landing.land(
            "profile_snapshots",
            profile_id="p",
            observed_at="2024-01-01",
            properties=properties,
            sequence=sequence,
        )
    landing.goal(target={"profile": {"property": "plan", "op": "eq", "value": "b"}})
    result = landing.computed()
    assert len(result.marts["fct_achievements"]) == 1
    assert result.accounting["profile_snapshots"]["superseded"] == 2


def test_each_fault_has_its_reason_code():
    event = {"event_id": "e", "profile_id": "p", "name": "n", "occurred_at": "2024-01-01"}
    faults = {
        "missing_key": event | {"name": None},
        "bad_key": event | {"event_id": "a\tb"},
        "bad_timestamp": event | {"occurred_at": "1704067200"},
        "bad_json": event | {"properties": "{'a': 1}"},
        "bad_enum": event | {"sequence": "1.0"},
        "future_timestamp": event | {"received_at": "2024-05-02T00:00:00.000001Z"},
    }
    for reason_code, values in faults.items():
        result = Landing().land("events", **values).computed()
        assert column(result.quarantine["events"], "reason_code") == [reason_code]
    bad_filter = {"profile": {"property": "a", "op": "eq", "value": None}}
    for reason_code, target in (("bad_filter", bad_filter), ("bad_definition", {})):
        result = Landing().goal(target=target).computed()
        assert column(result.quarantine["goals"], "reason_code") == [reason_code]
    result = compute([LandedRow("events", "events/a.csv", 1, None, AS_OF)], AS_OF)
    assert column(result.quarantine["events"], "reason_code") == ["bad_row"]


def test_worlds_have_every_outcome_reason_and_fault(tmp_path):
    together = merged(world(seed) for seed in range(40))
    rows = write(together, tmp_path, files_per_table=3, formats=FORMATS)
    assert len(rows) == together.size
    result = compute(rows, as_of(0))
    marts = result.marts
    assert set(column(marts["fct_achievements"], "kind")) == {"profile", "event", "message"}
    assert set(column(marts["fct_impressions"], "outcome")) == {
        *("not_eligible", "already_achieved", "already_enrolled", "enrolled"),
    }
    assert set(column(marts["fct_attributions"], "unattributed_reason")) == {
        *(None, "no_delivery", "no_qualifying_metric", "outside_window"),
    }
    assert set(column(marts["fct_journey_exits"], "exit_reason")) == {None, "goal", "unmatched"}
    faults = {row["reason_code"] for rows in result.quarantine.values() for row in rows}
    assert faults == {*FAULTS, "goal_locked"}
    assert all(marts.values())


def test_a_failing_world_is_cut_down_to_the_rows_that_matter():
    def fails(cut) -> bool:
        return any(row and row.get("is_deleted") == "true" for row in cut.tables["profile_snapshots"])

    seed = next(seed for seed in range(100) if fails(world(seed)))
    assert smallest(world(seed), fails).size == 1
