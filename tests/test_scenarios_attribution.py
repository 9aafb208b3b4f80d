"""Section 8: touches, credit, the reasons for none, and which deliveries converted."""

from decimal import Decimal

from scenarios import BECOMES_PAID, LEAVES_PAID, PURCHASE, a_microsecond_after, a_microsecond_before, scenario

OPENED = {"criteria": {"email": "opened"}}


def credits(marts, model: str) -> list[str]:
    return [f"{credit:f}" for credit in marts.fct_touches.column(f"credit_{model}")]


# -- which message gets the credit


@scenario
def test_two_messages_opened_out_of_order_credit_the_first(story):
    story.goal(attribution=OPENED)
    story.delivery("first", "2024-03-01")
    story.delivery("second", "2024-03-02")
    story.opened("second", "2024-03-03")
    story.opened("first", "2024-03-04")
    story.event("purchase", "2024-03-05")
    marts = yield
    assert marts.fct_attributions.one["delivery_id"] == "first"
    assert marts.fct_touches.by("delivery_id", "touch_number") == {"second": 1, "first": 2}


@scenario
def test_a_slack_step_or_an_attribute_update_between_two_emails_takes_no_credit(story):
    story.goal()
    story.delivery("first email", "2024-03-01")
    story.delivery("slack", "2024-03-02", channel="slack")
    story.delivery("update", "2024-03-03", channel="attribute_update")
    story.event("purchase", "2024-03-04")
    story.delivery("second email", "2024-03-05")
    marts = yield
    assert marts.fct_attributions.one["delivery_id"] == "first email"
    assert marts.fct_touches.column("delivery_id") == ["first email"]


@scenario
def test_a_bounced_message_takes_no_credit(story):
    story.goal()
    story.delivery("received", "2024-03-01")
    story.delivery("bounced", "2024-03-02")
    story.engagement("bounced", "bounced", "2024-03-10")
    story.event("purchase", "2024-03-03")
    marts = yield
    assert marts.fct_touches.column("delivery_id") == ["received"]


@scenario
def test_a_touch_never_lies_after_the_achievement_and_may_lie_in_the_same_moment(story):
    story.goal("sent")
    story.goal("opened", attribution=OPENED)
    story.delivery("at once", "2024-03-02")
    story.delivery("too late", a_microsecond_after("2024-03-02"))
    story.opened("at once", "2024-03-02")
    story.opened("too late", "2024-03-02")
    story.event("purchase", "2024-03-02")
    marts = yield
    assert marts.fct_touches.by("goal_id", "delivery_id") == {"sent": "at once", "opened": "at once"}


@scenario
def test_the_criterion_is_exactly_that_metric_and_by_channel(story):
    story.goal(attribution={"criteria": {"email": "clicked", "sms": "delivered"}})
    story.delivery("opened email", "2024-03-01")
    story.opened("opened email", "2024-03-01")
    story.delivery("clicked email", "2024-03-01")
    story.engagement("clicked", "clicked email", "2024-03-02")
    story.delivery("sent sms", "2024-03-01", channel="sms")
    story.delivery("delivered sms", "2024-03-01", channel="sms")
    story.engagement("delivered", "delivered sms", "2024-03-03")
    story.delivery("push", "2024-03-04", channel="push")
    story.event("purchase", "2024-03-05")
    marts = yield
    assert marts.fct_touches.by("delivery_id", "touch_metric") == {
        "clicked email": "clicked",
        "delivered sms": "delivered",
        "push": "sent",
    }
    assert marts.fct_touches.by("delivery_id", "touch_at") == {
        "clicked email": "2024-03-02",
        "delivered sms": "2024-03-03",
        "push": "2024-03-04",
    }


@scenario
def test_first_the_criterion_then_the_newest_then_the_window(story):
    story.goal(attribution=OPENED | {"window_days": 1})
    story.delivery("d1", "2024-03-01")
    for moment in ("2024-03-02", "2024-03-04", "2024-03-03", "2024-03-06"):
        story.opened("d1", moment)
    story.event("purchase", "2024-03-05")
    marts = yield
    assert marts.fct_touches.by("delivery_id", "touch_at") == {"d1": "2024-03-04"}


@scenario
def test_a_machine_open_is_a_touch_only_where_attribution_counts_machines(story):
    story.goal("people", attribution=OPENED)
    story.goal("all", attribution=OPENED | {"count_machine": True})
    story.delivery("d1", "2024-03-01")
    story.opened("d1", "2024-03-02")
    story.opened("d1", "2024-03-03", machine=True)
    story.event("purchase", "2024-03-04")
    marts = yield
    assert marts.fct_attributions.by("goal_id", "touch_at") == {"people": "2024-03-02", "all": "2024-03-03"}


@scenario
def test_a_touch_may_lie_before_its_message_was_sent(story):
    story.goal(attribution=OPENED)
    story.delivery("d1", "2024-03-02")
    story.opened("d1", "2024-03-01")
    story.event("purchase", "2024-03-03")
    marts = yield
    assert marts.fct_touches.column("touch_at") == ["2024-03-01"]


@scenario
def test_of_touches_at_one_moment_the_later_sent_and_then_the_greater_id_is_the_last(story):
    story.goal("opened", attribution=OPENED)
    story.goal("sent")
    for delivery_id, sent_at in (("z", "2024-03-01"), ("b", "2024-03-02"), ("a", "2024-03-02")):
        story.delivery(delivery_id, sent_at)
        story.opened(delivery_id, "2024-03-03")
    story.event("purchase", "2024-03-04")
    marts = yield
    numbers = {"z": 1, "a": 2, "b": 3}
    assert marts.fct_touches.where(goal_id="opened").by("delivery_id", "touch_number") == numbers
    assert marts.fct_touches.where(goal_id="sent").by("delivery_id", "touch_number") == numbers
    assert set(marts.fct_attributions.column("delivery_id")) == {"b"}
    assert set(marts.fct_delivery_conversions.column("delivery_id")) == {"b"}


# -- the window


@scenario
def test_an_attribution_window_is_closed_to_the_microsecond(story):
    story.goal(attribution={"window_days": 7})
    story.delivery("in time", "2024-03-01", person="ann")
    story.delivery("too early", a_microsecond_before("2024-03-01"), person="bob")
    for person in ("ann", "bob"):
        story.event("purchase", "2024-03-08", person=person)
    marts = yield
    assert marts.fct_attributions.by("profile_id", "unattributed_reason") == {
        "ann": None,
        "bob": "outside_window",
    }


@scenario
def test_an_attribution_window_has_7_days_unless_the_goal_says_so(story):
    story.goal("default")
    story.goal("eight", attribution={"window_days": 8})
    story.delivery("d1", "2024-03-01")
    story.event("purchase", "2024-03-08T12:00:00")
    marts = yield
    assert marts.fct_attributions.by("goal_id", "is_attributed") == {"default": False, "eight": True}


@scenario
def test_a_window_of_0_days_is_the_calendar_day_in_the_workspace(story):
    story.workspace(time_zone="America/New_York")
    story.goal(attribution={"window_days": 0})
    for person, moment in (("same_day", "2024-03-02T04:59:59.999999"), ("next_day", "2024-03-02T05:00:00")):
        story.delivery(f"to {person}", "2024-03-01T05:00:00", person=person)
        story.event("purchase", moment, person=person)
    story.delivery("an hour before", "2024-03-01T04:59:59.999999", person="other_day")
    story.event("purchase", "2024-03-01T05:00:00", person="other_day")
    marts = yield
    assert marts.fct_attributions.by("profile_id", "is_attributed") == {
        "same_day": True,
        "next_day": False,
        "other_day": False,
    }


# -- the start


@scenario
def test_a_touch_before_the_start_is_none_and_its_delivery_stays_a_candidate(story):
    story.workspace(data_start_at="2024-03-02")
    story.goal("sent")
    story.goal("opened", attribution=OPENED)
    story.delivery("d1", a_microsecond_before("2024-03-02"), person="ann")
    story.opened("d1", "2024-03-02")
    story.delivery("d2", a_microsecond_before("2024-03-02"), person="bob")
    story.opened("d2", a_microsecond_before("2024-03-02"))
    story.delivery("d3", "2024-03-02", person="cid")
    for person in ("ann", "bob", "cid"):
        story.event("purchase", "2024-03-03", person=person)
    marts = yield
    none = "no_qualifying_metric"
    reasons = {
        goal: marts.fct_attributions.where(goal_id=goal).by("profile_id", "unattributed_reason")
        for goal in ("sent", "opened")
    }
    assert reasons == {
        "sent": {"ann": none, "bob": none, "cid": None},
        "opened": {"ann": None, "bob": none, "cid": none},
    }


@scenario
def test_a_touch_before_the_goals_own_start_is_none(story):
    story.goal("locked", at="2024-03-02")
    story.goal("retroactive", at="2024-03-02", definition_policy="retroactive")
    story.delivery("d1", "2024-03-01")
    story.event("purchase", "2024-03-03")
    marts = yield
    assert marts.fct_attributions.by("goal_id", "unattributed_reason") == {
        "locked": "no_qualifying_metric",
        "retroactive": None,
    }


# -- the reasons


@scenario
def test_an_unattributed_achievement_says_why(story):
    story.goal(attribution=OPENED | {"window_days": 1})
    story.delivery("not opened", "2024-03-01", person="no_qualifying_metric")
    story.delivery("opened long ago", "2024-03-01", person="outside_window")
    story.opened("opened long ago", "2024-03-02")
    story.delivery("not opened either", "2024-03-04", person="outside_window")
    story.delivery("other source", "2024-03-01", person="no_delivery", source="news")
    for person in ("no_qualifying_metric", "outside_window", "no_delivery"):
        story.event("purchase", "2024-03-05", person=person)
    marts = yield
    reasons = marts.fct_attributions.by("profile_id", "unattributed_reason")
    assert reasons == {reason: reason for reason in reasons}
    assert marts.fct_touches == []


@scenario
def test_the_reason_goes_by_the_deliveries_of_90_days(story):
    story.goal(attribution=OPENED)
    story.delivery("90 days old", "2024-03-01", person="ann")
    story.delivery("a microsecond older", a_microsecond_before("2024-03-01"), person="bob")
    story.delivery("old and opened now", "2024-02-01", person="cid")
    story.opened("old and opened now", "2024-05-29")
    story.delivery("old and opened long ago", "2024-02-01", person="dot")
    story.opened("old and opened long ago", "2024-02-02")
    for person in ("ann", "bob", "cid", "dot"):
        story.event("purchase", "2024-05-30", person=person)
    marts = yield
    assert marts.fct_attributions.by("profile_id", "unattributed_reason") == {
        "ann": "no_qualifying_metric",
        "bob": "no_delivery",
        "cid": None,
        "dot": "no_delivery",
    }


@scenario
def test_an_attribution_names_the_whole_touch(story):
    story.goal(impact={"value": 5}, attribution=OPENED)
    story.journey("j", "2024-03-01")
    story.delivery("d1", "2024-03-01", journey_id="j", message_id="m1")
    story.opened("d1", "2024-03-02")
    story.event("purchase", "2024-03-03")
    marts = yield
    touch = {
        "source_id": "welcome",
        "journey_id": "j",
        "delivery_id": "d1",
        "message_id": "m1",
        "channel": "email",
    }
    touch |= {"touch_metric": "opened", "touch_at": "2024-03-02", "is_attributed": True, "impact_value": 5}
    assert {name: marts.fct_attributions.one[name] for name in touch} == touch


# -- versions and policies


@scenario
def test_the_achievements_version_says_which_sources_are_credited_and_how(story):
    story.goal(sources=["welcome"])
    story.goal(at="2024-03-10", sources=["news"], attribution=OPENED)
    story.delivery("of welcome", "2024-03-08", source="welcome")
    story.delivery("of news", "2024-03-08", source="news")
    story.opened("of news", "2024-03-08T12:00:00")
    story.event("purchase", "2024-03-09")
    story.event("purchase", "2024-03-11")
    marts = yield
    assert marts.fct_attributions.by("achieved_at", "delivery_id") == {
        "2024-03-09": "of welcome",
        "2024-03-11": "of news",
    }


# -- the models


@scenario
def test_one_touch_gets_everything_in_every_model(story):
    story.goal()
    story.delivery("d1", "2024-03-01")
    story.event("purchase", "2024-03-02")
    marts = yield
    for model in ("first", "last", "linear", "position", "time_decay"):
        assert credits(marts, model) == ["1.000000000000"]


@scenario
def test_two_touches(story):
    story.goal(attribution={"window_days": 30})
    story.delivery("d1", "2024-03-01")
    story.delivery("d2", "2024-03-08")
    story.event("purchase", "2024-03-08")
    marts = yield
    assert credits(marts, "first") == ["1.000000000000", "0.000000000000"]
    assert credits(marts, "last") == ["0.000000000000", "1.000000000000"]
    assert credits(marts, "linear") == credits(marts, "position") == ["0.500000000000", "0.500000000000"]
    assert credits(marts, "time_decay") == ["0.333333333333", "0.666666666667"]


@scenario
def test_three_touches_and_the_remainder_goes_to_the_last(story):
    story.goal(attribution={"window_days": 30})
    for delivery_id, sent_at in (("d1", "2024-03-01"), ("d2", "2024-03-08"), ("d3", "2024-03-15")):
        story.delivery(delivery_id, sent_at)
    story.event("purchase", "2024-03-15")
    marts = yield
    assert credits(marts, "linear") == ["0.333333333333", "0.333333333333", "0.333333333334"]
    assert credits(marts, "position") == ["0.400000000000", "0.200000000000", "0.400000000000"]
    assert credits(marts, "time_decay") == [
        "0.142857142857",
        "0.285714285714",
        "0.571428571429",
    ]  # 1, 2 and 4 of 7


@scenario
def test_the_middle_shares_20_percent_in_equal_parts(story):
    story.goal(attribution={"window_days": 30})
    for day in range(1, 6):
        story.delivery(f"d{day}", f"2024-03-0{day}")
    story.event("purchase", "2024-03-06")
    marts = yield
    middle = "0.066666666667"
    assert credits(marts, "position") == ["0.400000000000", middle, middle, middle, "0.399999999999"]
    assert marts.fct_touches.column("touches") == [5] * 5


@scenario
def test_the_credits_of_each_achievement_sum_to_exactly_1(story):
    story.goal(attribution={"window_days": 90})
    for day in range(1, 10):
        story.delivery(f"d{day}", f"2024-03-0{day}T0{day}:00:00")
        story.event("purchase", f"2024-03-0{day}T12:00:00")
    marts = yield
    for achievement_id in marts.fct_achievements.column("achievement_id"):
        touches = marts.fct_touches.where(achievement_id=achievement_id)
        for model in ("first", "last", "linear", "position", "time_decay"):
            assert sum(touches.column(f"credit_{model}")) == Decimal(1)


# -- deliveries that converted


@scenario
def test_each_sources_last_touch_is_its_converted_delivery(story):
    story.goal(sources=["welcome", "news"])
    story.delivery("w1", "2024-03-01", source="welcome")
    story.delivery("w2", "2024-03-02", source="welcome")
    story.delivery("n1", "2024-03-03", source="news")
    story.event("purchase", "2024-03-04")
    story.event("purchase", "2024-03-05")
    marts = yield
    assert marts.fct_delivery_conversions.by("delivery_id", "achievements") == {"w2": 2, "n1": 2}
    assert set(marts.fct_delivery_conversions.column("first_converted_at")) == {"2024-03-04"}


@scenario
def test_a_touch_outside_the_window_is_no_converted_delivery(story):
    story.goal(attribution={"window_days": 1})
    story.delivery("d1", "2024-03-01")
    story.event("purchase", "2024-03-03")
    marts = yield
    assert marts.fct_delivery_conversions == []


@scenario
def test_only_deliveries_whose_journey_satisfies_trigger_match_convert(story):
    story.goal(
        target=PURCHASE | {"trigger_match": [{"event_property": "course", "trigger_property": "course"}]}
    )
    story.journey("j7", "2024-03-01", trigger={"course": 7})
    story.journey("j8", "2024-03-01", trigger={"course": 8})
    story.delivery("of 7", "2024-03-01", journey_id="j7")
    story.delivery("of 8", "2024-03-02", journey_id="j8")
    story.delivery("of none", "2024-03-03")
    story.event("purchase", "2024-03-04", course=7)
    marts = yield
    assert marts.fct_delivery_conversions.column("delivery_id") == ["of 7"]
    assert marts.fct_attributions.column("delivery_id") == ["of none"]


@scenario
def test_a_delivery_whose_person_was_in_the_goal_state_on_entering_converts_nothing_and_passes_nothing_on(
    story,
):
    story.goal("enter", target=BECOMES_PAID)
    story.goal("leave", target=LEAVES_PAID)
    for moment, plan in (
        ("2024-03-01", "free"),
        ("2024-03-03", "paid"),
        ("2024-03-05", "free"),
        ("2024-03-07", "paid"),
    ):
        story.snapshot(moment, plan=plan)
    story.journey("while paid", "2024-03-03")
    story.delivery("while free", "2024-03-02")
    story.delivery("of the journey", "2024-03-06", journey_id="while paid")
    marts = yield
    # enter, on the 3rd and 7th: the last touch of the 7th entered in the goal state.
    # leave, on the 5th: its only touch, `while free`, was in that goal's state.
    conversions = marts.fct_delivery_conversions
    assert [(row["goal_id"], row["delivery_id"], row["achievements"]) for row in conversions] == [
        ("enter", "while free", 1)
    ]


@scenario
def test_the_goal_state_on_entering_is_as_of_that_very_moment(story):
    story.goal("enter", target=BECOMES_PAID)
    story.goal("event", target=PURCHASE | {"profile": BECOMES_PAID["profile"]})
    for person, entered_at in (("ann", a_microsecond_before("2024-03-01")), ("bob", "2024-03-01")):
        story.snapshot("2024-03-01", person=person, plan="paid")
        story.snapshot("2024-03-03", person=person, plan="free")
        story.snapshot("2024-03-04", person=person, plan="paid")
        story.journey(f"of {person}", entered_at, person=person)
        story.delivery(f"to {person}", "2024-03-02", person=person, journey_id=f"of {person}")
        story.event("purchase", "2024-03-05", person=person)
    marts = yield
    by_goal = {
        goal: set(marts.fct_delivery_conversions.where(goal_id=goal).column("profile_id"))
        for goal in ("enter", "event")
    }
    assert by_goal == {"enter": {"ann"}, "event": {"ann", "bob"}}


@scenario
def test_without_a_journey_the_goal_state_is_that_at_sent_at(story):
    story.goal(target=BECOMES_PAID)
    story.snapshot("2024-03-01", plan="paid")
    story.delivery("while paid", "2024-03-02")
    story.snapshot("2024-03-03", plan="free")
    story.snapshot("2024-03-04", plan="paid")
    story.delivery("never seen", "2024-03-01", person="bob")
    story.snapshot("2024-03-02", person="bob", plan="paid")
    marts = yield
    assert marts.fct_delivery_conversions.column("delivery_id") == ["never seen"]
