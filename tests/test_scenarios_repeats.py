"""Section 2, "Repeats and clocks", and values that cannot be read or converted: events that come again,
clocks that run ahead, deliveries whose sending only an engagement reports, unreadable workspaces, amounts in
another currency. (The same in batches: test_increments_repeats.py.)"""

from decimal import Decimal

from scenarios import BECOMES_PAID, PAID, Marts, Story, scenario

ORDER = {"event_id": "o-1", "profile_id": "ann", "name": "purchase"}


def order(story: Story, event_id: str, at: str, person: str, total: int, currency: str, **columns) -> None:
    story.event(
        "purchase",
        at,
        person,
        event_id=event_id,
        total=total,
        currency=currency,
        order_id=event_id,
        **columns,
    )


@scenario
def test_a_shop_that_records_each_sale_twice_takes_refunds_and_sells_in_two_currencies(story):
    story.workspace(time_zone="Europe/Oslo", currency="NOK")
    impact = {"event_property": "total", "currency_property": "currency"}
    sale = {"event": {"name": "purchase", "filter": {"property": "total", "op": "gt", "value": 0}}}
    for goal_id, target in (("net", {"event": {"name": "purchase"}}), ("sales", sale)):
        story.goal(goal_id, target=target, sources=["news", "cart"], measurement_window_days=7, impact=impact)
    for number, person in enumerate(("ann", "bob", "cat", "dan", "eve")):
        story.delivery(f"d{number}", "2024-10-01T08:00:00", "news", person, source_type="broadcast")
    story.delivery("of the cart", "2024-10-02T08:00:00", "cart", "bob")

    for received_at in ("2024-10-02T10:00:00", "2024-10-02T10:05:00"):  # a retry
        order(story, "o-1", "2024-10-02T10:00:00", "ann", 500, "NOK", received_at=received_at)
    order(story, "o-2", "2024-10-03T10:00:00", "bob", 300, "NOK")
    for at in (
        "2024-10-03T12:00:00",
        "2024-10-03T12:00:04",
    ):  # two hooks; the loader made order_id the event_id
        order(story, "o-3", at, "cat", 200, "NOK")
    order(story, "o-5", "2024-10-02T10:00:00", "dan", 100, "EUR")
    order(story, "o-6", "2024-10-03T10:00:00", "dan", 400, "nok")
    order(story, "o-6 refund", "2024-10-05T10:00:00", "dan", -400, "NOK")
    order(story, "o-0 refund", "2024-10-02T09:00:00", "eve", -50, "NOK")
    marts = yield
    assert marts.achievers("sales") == {"ann", "bob", "cat", "dan"}
    assert marts.rpt_goal_summary.by("goal_id", "impact") == {"net": Decimal(950), "sales": Decimal(1400)}
    assert (
        marts.fct_achievements.where(goal_id="net", profile_id="ann").one["achieved_at"]
        == "2024-10-02T10:00:00"
    )
    assert marts.fct_attributions.where(goal_id="net", profile_id="bob").one["source_id"] == "cart"
    euros = marts.fct_achievements.where(goal_id="net", unconverted_currency="EUR").one
    assert (euros["profile_id"], euros["impact_value"], euros["impact_currency"]) == ("dan", None, "NOK")


@scenario
def test_an_event_in_another_currency_is_worth_nothing_also_where_the_value_is_static(story):
    story.goal("static", impact={"value": 5, "currency_property": "/money/currency"})
    story.goal("total", impact={"event_property": "total", "currency_property": "currency"})
    for number, currency in enumerate(("USD", "usd", "EUR", "", " USD", 5, True, None)):
        columns = {"total": 7, "currency": currency, "money": {"currency": currency}}
        story.event("purchase", f"2024-03-0{number + 1}", **columns)
    story.event("purchase", "2024-03-09", total=7)
    marts = yield
    for goal_id, value in (("static", Decimal(5)), ("total", Decimal(7))):
        achievements = marts.fct_achievements.where(goal_id=goal_id)
        assert achievements.column("impact_value") == [value, value, *[None] * 5, value, value]
        assert achievements.column("unconverted_currency") == [
            None,
            None,
            *("EUR", "", " USD", "5", "true"),
            None,
            None,
        ]
        assert set(achievements.column("impact_currency")) == {"USD"}


@scenario
def test_the_earliest_receipt_of_an_event_counts_whichever_of_its_rows_stands(story):
    story.goal(measurement_window_days=1)
    story.delivery("d1", "2024-03-01")
    columns = ORDER | {"occurred_at": "2024-03-01"}
    story.land("events", **columns, received_at="2024-03-02", properties={"total": 1}, sequence=1)
    story.land("events", **columns, received_at="2024-06-01", properties={"total": 2}, sequence=2)
    story.land("events", **columns | {"profile_id": None}, received_at="2024-02-01")
    marts = yield
    assert marts.fct_enrollments.one["converted_at"] == "2024-03-02"
    assert marts.quarantined("events") == ["missing_key"]


@scenario
def test_an_event_that_no_row_says_the_receipt_of_is_received_when_its_standing_row_occurred(story):
    story.goal()
    story.land("events", **ORDER, occurred_at="2024-03-02", sequence=1)
    story.land("events", **ORDER, occurred_at="2024-03-01")
    marts = yield
    assert marts.fct_achievements.column("achieved_at") == ["2024-03-02"]


@scenario
def test_a_clock_that_runs_ahead_is_read_as_the_receipt_and_loses_no_sale(story):
    story.goal("received")
    story.goal("occurred", target={"event": {"name": "purchase", "clock": "occurred"}})
    story.event("purchase", "2031-01-01", received_at="2024-03-02")
    story.event("purchase", "1970-01-01", received_at="2024-03-02", person="of 1970")
    story.event("purchase", "2031-01-01", person="unreceived")
    marts = yield
    assert marts.achievers("received") == {"ann", "of 1970"}
    assert marts.fct_achievements.where(goal_id="occurred").by("profile_id", "achieved_at") == {
        "ann": "2024-03-02"
    }
    assert marts.quarantined("events") == ["future_timestamp"]


@scenario
def test_a_delivery_without_a_sent_at_was_sent_at_its_first_sent_engagement(story):
    story.goal()
    story.delivery("d1", None)
    story.engagement("sent", "d1", "2024-03-03")
    story.engagement("sent", "d1", "2024-03-02")
    story.delivery("says so itself", "2024-03-04", person="bob")
    story.engagement("sent", "says so itself", "2024-03-01")
    story.delivery("never left", None, person="eve")
    story.engagement("delivered", "never left", "2024-03-01")
    story.event("purchase", "2024-03-05")
    marts = yield
    assert marts.fct_impressions.by("delivery_id", "received_at") == {
        "d1": "2024-03-02",
        "says so itself": "2024-03-04",
    }
    assert marts.fct_enrollments.by("delivery_id", "converted_at")["d1"] == "2024-03-05"
    touch = marts.fct_touches.one
    assert (touch["delivery_id"], touch["touch_metric"], touch["touch_at"]) == ("d1", "sent", "2024-03-02")
    assert marts.dim_goals.one["first_sent_at"] == "2024-03-02"


@scenario
def test_a_message_is_sent_once_however_often_an_engagement_says_so(story):
    story.goal(target={"message": {"metric": "sent"}}, attribution={"criteria": {"email": "sent"}})
    story.delivery("d1", "2024-03-01")
    story.engagement("sent", "d1", "2024-03-02")
    story.delivery("d2", None, person="bob")
    story.engagement("sent", "d2", "2024-03-03")
    story.engagement("sent", "d2", "2024-03-04")
    story.delivery("nobody's", None, person="eve", is_holdout=True)
    story.engagement("sent", "nobody's", "2024-03-05")
    marts = yield
    assert marts.fct_achievements.by("natural_key", "achieved_at") == {"d1": "2024-03-01", "d2": "2024-03-03"}
    assert marts.fct_touches.by("delivery_id", "touch_at") == {"d1": "2024-03-01", "d2": "2024-03-03"}


@scenario
def test_a_sent_engagement_locks_the_goal(story):
    story.goal()
    story.delivery("d1", None)
    story.engagement("sent", "d1", "2024-02-01")
    story.goal(at="2024-03-01", target=BECOMES_PAID)
    marts = yield
    assert marts.quarantined("goals") == ["goal_locked"]


@scenario
def test_a_person_is_left_by_the_next_message_that_was_sent_as_its_engagement_says(story):
    story.source(exit_condition="unmatched", trigger_filter=PAID)
    story.journey("j1", "2024-03-01")
    story.snapshot("2024-03-01", plan="paid")
    story.snapshot("2024-03-02", plan="free")
    story.delivery("d1", None, journey_id="j1")
    story.engagement("sent", "d1", "2024-03-03")
    marts = yield
    journey = marts.fct_journey_exits.one
    assert (journey["exit_at"], journey["messages_after_exit"]) == ("2024-03-02", 1)


ZONES = {
    "Europe/Amsterdam": "2024-03-03",
    "Asia/Calcutta": "2024-03-03",
    "Europe/Kyiv": "2024-03-03",
    "US/Eastern": "2024-03-02",
    "EST5EDT": "2024-03-02",
    "Etc/GMT+5": "2024-03-02",
    "America/Ciudad_Juarez": "2024-03-02",
    "UTC": "2024-03-02",
}
UNREADABLE = ("Eastern Time (US & Canada)", "Amsterdam", "utc", "America/new_york")


@scenario
def test_a_workspace_whose_time_zone_cannot_be_read_is_in_no_mart_and_the_others_go_on(story):
    for zone in (*ZONES, *UNREADABLE):
        tenant = Story(f"{story.name}, {zone}")
        tenant.world = story.world
        tenant.workspace(time_zone=zone, currency="EUR")
        tenant.goal(impact={"event_property": "total"}, definition_policy="retroactive")
        tenant.segment("s1", PAID)
        tenant.source(exit_condition="goal", exit_goal_id="goal")
        tenant.funnel("goal")
        tenant.snapshot("2024-03-01", plan="free")
        tenant.journey("j1", "2024-03-01")
        tenant.delivery("d1", "2024-03-01", journey_id="j1")
        tenant.event("purchase", "2024-03-02T23:30:00", total=10)
    marts = yield

    def of(zone: str) -> Marts:
        return Marts(marts.pipeline, f"{marts.workspace_id}, {zone}")

    for zone, day in ZONES.items():
        assert of(zone).fct_achievements.column("impact_currency") == ["EUR"]
        days = of(zone).rpt_goal_progress.where(period="day", achievers=1)
        assert days.column("period_start") == [day], zone
    names = marts.pipeline.query(
        "select table_name from duckdb_tables() where (database_name, schema_name) = ('marts', 'main')"
    )
    for zone in UNREADABLE:
        assert of(zone).quarantined("workspaces") == ["bad_enum"]
        for table in ("stg_events", "stg_deliveries", "stg_goals"):
            assert len(of(zone).staged(table)) == 1
        assert {row["table_name"] for row in names if getattr(of(zone), row["table_name"])} == set()
    unreadable = marts.pipeline.query("from intermediate.int_unreadable_workspaces")
    problems = {row["workspace_id"]: row["problem"] for row in unreadable}
    assert problems[of("Amsterdam").workspace_id] == (
        "time_zone 'Amsterdam' is not an IANA time zone such as Europe/Berlin"
    )


@scenario
def test_a_workspace_of_which_one_row_can_be_staged_is_readable(story):
    story.workspace(time_zone="Amsterdam", sequence=2)
    story.workspace(time_zone="Europe/Amsterdam", currency="EUR")
    story.goal(impact={"value": 1})
    story.event("purchase", "2024-03-01")
    marts = yield
    assert marts.fct_achievements.one["impact_currency"] == "EUR"


@scenario
def test_a_boolean_is_read_in_every_usual_spelling(story):
    story.goal(target={"message": {"metric": "opened"}})
    for number, text in enumerate(("TRUE", "t", "1", "True", "FALSE", "f", "0", "yes")):
        story.delivery(f"d{number}", "2024-03-01", person=text)
        story.engagement("opened", f"d{number}", "2024-03-02", is_machine=text)
    marts = yield
    assert marts.achievers() == {"FALSE", "f", "0"}
    assert marts.quarantined("engagements") == ["bad_enum"]


@scenario
def test_json_that_is_no_object_is_bad_json_where_the_column_is_an_object(story):
    texts = ("[1]", "7", "null", '"{\\"plan\\": \\"paid\\"}"')
    for number, text in enumerate(texts):
        story.land("events", **ORDER | {"event_id": f"e{number}"}, occurred_at="2024-03-01", properties=text)
        story.land(
            "profile_snapshots", profile_id="ann", observed_at=f"2024-03-0{number + 1}", properties=text
        )
        story.journey(f"j{number}", "2024-03-01", trigger_properties=text)
    marts = yield
    for table in ("events", "profile_snapshots", "journeys"):
        assert marts.quarantined(table) == ["bad_json"] * len(texts)


@scenario
def test_a_goal_id_of_a_funnel_may_be_a_whole_number(story):
    goals = ("7", "42345", "9007199254740993")  # no double is the last
    for goal_id in goals:
        story.goal(goal_id)
    story.event("purchase", "2024-03-01")
    goal_ids = "[7, 42345.0, 9007199254740993]"
    story.land("funnels", funnel_id="funnel", updated_at="2024-01-01", goal_ids=goal_ids)
    marts = yield
    assert marts.rpt_goal_funnel.by("goal_id", "profiles") == dict.fromkeys(goals, 1)


@scenario
def test_a_share_lies_strictly_between_0_and_1(story):
    for number, share in enumerate(("0", "1", "-0.1", "half", "1.0", "0.5", None)):
        story.land(
            "holdouts",
            experiment_id="x",
            profile_id=f"p{number}",
            arm="control",
            assigned_at="2024-03-01",
            expected_control_share=share,
        )
    marts = yield
    assert marts.quarantined("holdouts") == ["bad_enum"] * 5
