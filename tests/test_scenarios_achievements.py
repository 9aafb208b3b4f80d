"""Sections 5 and 6: the state of a person, and the moments at which a target is reached."""

from decimal import Decimal
from hashlib import md5

from scenarios import (
    BECOMES_PAID,
    LEAVES_PAID,
    PAID,
    PURCHASE,
    a_microsecond_after,
    a_microsecond_before,
    condition,
    scenario,
)


def message(metric: str, **more) -> dict:
    return {"message": {"metric": metric} | more}


# -- profile targets


@scenario
def test_entering_is_a_snapshot_that_matches_while_the_one_before_does_not(story):
    story.goal(target=BECOMES_PAID)
    story.goal("of another property", eligibility=condition("eq", 1))
    for day, plan in enumerate(("free", "paid", "paid", "free", "paid"), start=1):
        story.snapshot(f"2024-03-0{day}", plan=plan, x=day % 2)
    marts = yield
    assert marts.fct_achievements.column("achieved_at") == ["2024-03-02", "2024-03-05"]
    assert marts.fct_achievements.column("achievement_number") == [1, 2]
    assert marts.fct_achievements.column("is_first") == [True, False]


@scenario
def test_only_the_properties_that_a_filter_reads_make_a_state(story):
    story.goal(target={"profile": condition("eq", "customer", of="stage_that_nothing_else_reads")})
    for day, stage in enumerate(("lead", "customer", "customer", "lead", "customer"), start=1):
        story.snapshot(f"2024-03-0{day}", stage_that_nothing_else_reads=stage, unread=day)
    marts = yield
    assert marts.fct_achievements.column("achieved_at") == ["2024-03-02", "2024-03-05"]


@scenario
def test_a_first_snapshot_that_matches_is_an_achievement_and_one_that_does_not_match_leaves_nothing(story):
    story.goal("enter", target=BECOMES_PAID)
    story.goal("leave", target=LEAVES_PAID)
    story.snapshot("2024-03-01", person="ann", plan="paid")
    story.snapshot("2024-03-01", person="bob", plan="free")
    marts = yield
    assert marts.achievers("enter") == {"ann"}
    assert marts.achievers("leave") == set()


@scenario
def test_leaving_is_a_snapshot_that_does_not_match_while_the_one_before_does(story):
    story.goal(target=LEAVES_PAID)
    story.goal("of another property", eligibility=condition("eq", 1))
    for day, plan in enumerate(("free", "paid", "paid", "free", "free"), start=1):
        story.snapshot(f"2024-03-0{day}", plan=plan, x=day % 2)
    marts = yield
    assert marts.fct_achievements.column("achieved_at") == ["2024-03-04"]


@scenario
def test_a_deleting_snapshot_is_never_an_achievement_and_what_was_achieved_stays(story):
    story.goal("enter", target=BECOMES_PAID)
    story.goal("leave", target=LEAVES_PAID)
    story.goal("gone", target={"profile": condition("not_exists", of="plan")})
    story.snapshot("2024-03-01", plan="paid")
    story.snapshot("2024-03-02", plan="paid", deleted=True)
    story.snapshot("2024-03-03", plan="paid")
    marts = yield
    assert marts.fct_achievements.column("goal_id") == ["enter", "enter"]
    assert marts.fct_achievements.column("achieved_at") == ["2024-03-01", "2024-03-03"]


@scenario
def test_the_previous_snapshot_may_lie_before_the_goal_starts(story):
    story.goal("enter", at="2024-03-02", target=BECOMES_PAID)
    story.goal("leave", at="2024-03-02", target=LEAVES_PAID)
    story.snapshot("2024-03-01", person="stays", plan="paid")
    story.snapshot("2024-03-02", person="stays", plan="paid", other=1)
    story.snapshot("2024-03-01", person="leaves", plan="paid")
    story.snapshot("2024-03-02", person="leaves", plan="free")
    marts = yield
    assert marts.achievers("enter") == set()
    assert marts.achievers("leave") == {"leaves"}


# -- event targets


@scenario
def test_an_event_counts_when_it_was_received_unless_the_goal_goes_by_the_other_clock(story):
    story.goal("received")
    story.goal("occurred", target={"event": {"name": "purchase", "clock": "occurred"}})
    story.event("purchase", "2024-03-01", received_at="2024-03-05")
    story.event("visit", "2024-03-02")
    marts = yield
    assert marts.fct_achievements.by("goal_id", "achieved_at") == {
        "received": "2024-03-05",
        "occurred": "2024-03-01",
    }


@scenario
def test_a_target_of_an_event_and_a_profile_part_needs_both_at_once(story):
    story.goal("enter", target=PURCHASE | {"profile": PAID})
    story.goal("leave", target=PURCHASE | {"profile": PAID, "transition": "leave"})
    story.snapshot("2024-03-02", plan="paid")
    story.snapshot("2024-03-03", plan="free")
    for moment in ("2024-03-01T23:59:59.999999", "2024-03-02", "2024-03-02T23:59:59.999999", "2024-03-03"):
        story.event("purchase", moment)
    marts = yield
    moments = {
        goal_id: marts.fct_achievements.where(goal_id=goal_id).column("achieved_at")
        for goal_id in ("enter", "leave")
    }
    assert moments == {
        "enter": ["2024-03-02", "2024-03-02T23:59:59.999999"],
        "leave": ["2024-03-01T23:59:59.999999", "2024-03-03"],
    }


@scenario
def test_the_state_is_that_of_the_moment_the_goals_clock_reads(story):
    story.goal("received", target=PURCHASE | {"profile": PAID})
    story.goal("occurred", target={"event": {"name": "purchase", "clock": "occurred"}, "profile": PAID})
    story.snapshot("2024-03-03", plan="paid")
    story.event("purchase", "2024-03-01", received_at="2024-03-05")
    marts = yield
    assert marts.fct_achievements.column("goal_id") == ["received"]


# -- message targets


@scenario
def test_a_message_target_is_every_engagement_of_that_metric(story):
    story.goal("sent", target=message("sent"))
    story.goal("delivered", target=message("delivered"))
    story.goal("opened", target=message("opened"))
    story.goal("clicked", target=message("clicked"))
    story.delivery("d1", "2024-03-01")
    story.engagement("delivered", "d1", "2024-03-02")
    story.opened("d1", "2024-03-03")
    story.engagement("clicked", "d1", "2024-03-04")
    story.engagement("unsubscribed", "d1", "2024-03-05")
    marts = yield
    assert marts.fct_achievements.by("goal_id", "achieved_at") == {
        "sent": "2024-03-01",
        "delivered": "2024-03-02",
        "opened": "2024-03-03",
        "clicked": "2024-03-04",
    }
    assert set(marts.fct_achievements.column("kind")) == {"message"}


@scenario
def test_a_message_target_takes_any_source_type_and_channel_bounced_or_not_but_never_anonymous_or_holdout(
    story,
):
    story.goal(target=message("sent"))
    story.delivery("plain", "2024-03-01", person="plain")
    story.delivery("slack", "2024-03-01", person="slack", channel="slack")
    story.delivery("receipt", "2024-03-01", person="receipt", source_type="transactional", source=None)
    story.delivery("bounced", "2024-03-01", person="bounced")
    story.engagement("bounced", "bounced", "2024-03-02")
    story.delivery("held", "2024-03-01", person="held", is_holdout=True)
    story.delivery("anonymous", "2024-03-01", person="anonymous", is_anonymous=True)
    story.delivery("unsent", None, person="unsent")
    marts = yield
    assert marts.achievers() == {"plain", "slack", "receipt", "bounced"}


@scenario
def test_a_message_target_may_name_a_source_and_a_channel(story):
    story.goal("of_welcome", target=message("opened", source_id="welcome"))
    story.goal("of_sms", target=message("opened", channel="sms"))
    story.delivery("d1", "2024-03-01", source="welcome", channel="email", person="ann")
    story.delivery("d2", "2024-03-01", source="news", channel="sms", person="bob")
    story.opened("d1", "2024-03-02")
    story.opened("d2", "2024-03-02")
    marts = yield
    assert marts.achievers("of_welcome") == {"ann"}
    assert marts.achievers("of_sms") == {"bob"}


@scenario
def test_a_machine_open_reaches_a_message_target_only_with_count_machine(story):
    story.goal("people", target=message("opened"))
    story.goal("all", target=message("opened", count_machine=True))
    story.goal("attribution_only", target=message("opened"), attribution={"count_machine": True})
    story.delivery("d1", "2024-03-01")
    story.opened("d1", "2024-03-02", machine=True)
    marts = yield
    assert marts.fct_achievements.column("goal_id") == ["all"]


@scenario
def test_is_machine_is_read_for_opens_and_clicks_only(story):
    story.goal("delivered", target=message("delivered"))
    story.goal("clicked", target=message("clicked"))
    story.delivery("d1", "2024-03-01")
    story.engagement("delivered", "d1", "2024-03-02", machine=True)
    story.engagement("clicked", "d1", "2024-03-02", machine=True)
    marts = yield
    assert marts.fct_achievements.column("goal_id") == ["delivered"]


@scenario
def test_a_message_target_with_a_profile_part_asks_for_the_state_at_the_engagement(story):
    story.goal("enter", target=message("opened") | {"profile": PAID})
    story.goal("leave", target=message("opened") | {"profile": PAID, "transition": "leave"})
    story.snapshot("2024-03-03", plan="paid")
    story.snapshot("2024-03-05", plan="free")
    story.delivery("d1", "2024-03-01")
    for moment in ("2024-03-02", "2024-03-03", "2024-03-05"):
        story.opened("d1", moment)
    marts = yield
    moments = {
        goal_id: marts.fct_achievements.where(goal_id=goal_id).column("achieved_at")
        for goal_id in ("enter", "leave")
    }
    assert moments == {"enter": ["2024-03-03"], "leave": ["2024-03-02", "2024-03-05"]}


@scenario
def test_an_engagement_whose_delivery_has_not_landed_waits(story):
    story.goal(target=message("opened"))
    story.opened("never landed", "2024-03-02")
    marts = yield
    assert marts.fct_achievements == []
    assert marts.quarantined("engagements") == []


# -- evaluation windows


@scenario
def test_an_evaluation_window_is_closed_at_both_ends(story):
    story.goal("after_visit", evaluation_window={"after": {"event": "visit"}, "days": 7})
    story.goal("after_first_seen", evaluation_window={"after": "first_seen", "days": 7})
    edges = {
        "before": a_microsecond_before("2024-03-01"),
        "start": "2024-03-01",
        "end": "2024-03-08",
        "after": a_microsecond_after("2024-03-08"),
    }
    for person, moment in edges.items():
        story.snapshot("2024-03-01", person=person)
        story.event("visit", "2024-03-01", person=person)
        story.event("purchase", moment, person=person)
    marts = yield
    assert marts.achievers("after_visit") == marts.achievers("after_first_seen") == {"start", "end"}


@scenario
def test_without_an_anchor_there_is_no_achievement(story):
    story.goal("after_visit", evaluation_window={"after": {"event": "visit"}, "days": 7})
    story.goal("after_first_seen", evaluation_window={"after": "first_seen", "days": 7})
    story.event("purchase", "2024-03-01")
    story.event("signup", "2024-03-01")
    story.event("visit", "2024-03-01", person="bob")
    story.goal("after_signup", evaluation_window={"after": {"event": "signup"}, "days": 7})
    marts = yield
    assert marts.fct_achievements.column("goal_id") == ["after_signup"]


@scenario
def test_the_anchor_is_the_first_event_of_that_name_and_may_lie_before_the_goal_starts(story):
    story.workspace(data_start_at="2024-03-02")
    story.goal("after_visit", at="2024-03-02", evaluation_window={"after": {"event": "visit"}, "days": 7})
    story.goal("after_first_seen", at="2024-03-02", evaluation_window={"after": "first_seen", "days": 7})
    story.snapshot("2024-03-01", a=1)
    story.snapshot("2024-03-05", a=2)
    story.event("visit", "2024-03-01")
    story.event("visit", "2024-03-05")
    story.event("purchase", "2024-03-08")
    story.event("purchase", a_microsecond_after("2024-03-08"))
    marts = yield
    assert marts.fct_achievements.by("goal_id", "achieved_at") == {
        "after_visit": "2024-03-08",
        "after_first_seen": "2024-03-08",
    }


@scenario
def test_the_anchoring_event_goes_by_the_goals_clock(story):
    window = {"after": {"event": "visit"}, "days": 1}
    story.goal("received", evaluation_window=window)
    story.goal(
        "occurred", evaluation_window=window, target={"event": {"name": "purchase", "clock": "occurred"}}
    )
    story.event("visit", "2024-03-01", received_at="2024-03-04")
    story.event("visit", "2024-03-08")
    story.event("purchase", "2024-03-02")
    story.event("purchase", "2024-03-05")
    story.event("purchase", "2024-03-09T00:00:00.000001")
    marts = yield
    assert marts.fct_achievements.by("goal_id", "achieved_at") == {
        "received": "2024-03-05",
        "occurred": "2024-03-02",
    }


@scenario
def test_an_evaluation_window_of_0_days_is_the_moment_of_its_anchor(story):
    story.goal(evaluation_window={"after": {"event": "visit"}, "days": 0})
    story.event("visit", "2024-03-01")
    story.event("purchase", "2024-03-01")
    story.event("purchase", a_microsecond_after("2024-03-01"))
    marts = yield
    assert marts.fct_achievements.column("achieved_at") == ["2024-03-01"]


# -- numbers, ids and impact


@scenario
def test_achievements_of_one_moment_are_numbered_by_their_ids(story):
    story.goal()
    for number in range(6):
        story.event("purchase", "2024-03-01", event_id=f"e{number}")
    marts = yield
    ids = marts.fct_achievements.by("achievement_number", "achievement_id")
    assert [ids[number] for number in range(1, 7)] == sorted(ids.values())


@scenario
def test_an_achievement_id_is_made_of_its_natural_key(story):
    story.goal("event")
    story.goal("profile", target=BECOMES_PAID)
    story.goal("opened", target=message("opened"))
    story.goal("sent", target=message("sent"))
    story.event("purchase", "2024-03-01", event_id="e1")
    story.snapshot("2024-03-01", plan="paid")
    story.delivery("d1", "2024-03-01")
    story.engagement("opened", "d1", "2024-03-02", engagement_id="n1")
    marts = yield
    natural_keys = {
        "event": ("event", "e1"),
        "profile": ("profile", "2024-03-01T00:00:00.000000Z"),
        "opened": ("message", "n1"),
        "sent": ("message", "d1"),
    }
    for goal_id, (kind, natural_key) in natural_keys.items():
        parts = (marts.workspace_id, goal_id, "ann", kind, natural_key)
        assert (
            marts.fct_achievements.by("goal_id", "achievement_id")[goal_id]
            == md5("\x1f".join(parts).encode()).hexdigest()
        )


@scenario
def test_impact_is_the_static_value_or_the_events_property_rounded_half_up(story):
    story.goal("static", impact={"currency": "EUR", "value": 49.00})
    story.goal("property", impact={"event_property": "total"})
    story.goal("pointer", impact={"event_property": "/basket/total"})
    story.goal("key", impact={"event_property": "net/gross~total"})
    story.goal("none")
    totals = {
        "number": 12.5,
        "text": "0.1",
        "half": 0.0000005,
        "negative_half": -0.0000005,
        "word": "ten",
        "true": True,
        "too_large": 1e12,
        "missing": None,
    }
    for person, total in totals.items():
        properties = {"total": total, "basket": {"total": total}, "net/gross~total": total}
        story.event("purchase", "2024-03-01", person=person, **properties)
    marts = yield
    expected = {
        "number": Decimal("12.5"),
        "text": Decimal("0.1"),
        "half": Decimal("0.000001"),
        "negative_half": Decimal("-0.000001"),
    }
    for goal_id in ("property", "pointer", "key"):
        values = marts.fct_achievements.where(goal_id=goal_id).by("profile_id", "impact_value")
        assert values == dict.fromkeys(totals) | expected
    assert set(marts.fct_achievements.where(goal_id="static").column("impact_value")) == {49}
    assert set(marts.fct_achievements.where(goal_id="none").column("impact_value")) == {None}
    currencies = {row["goal_id"]: row["impact_currency"] for row in marts.fct_achievements}
    assert currencies == {"static": "EUR", "property": "USD", "pointer": "USD", "key": "USD", "none": None}


@scenario
def test_the_currency_of_an_impact_is_the_workspaces_unless_it_says_so(story):
    story.workspace(currency="NOK")
    story.goal("workspaces", impact={"value": 1})
    story.goal("own", impact={"value": 1, "currency": "EUR"})
    story.event("purchase", "2024-03-01")
    marts = yield
    assert marts.fct_achievements.by("goal_id", "impact_currency") == {"workspaces": "NOK", "own": "EUR"}


@scenario
def test_nothing_crosses_a_workspace(story):
    story.goal()
    story.goal("becomes_paid", target=BECOMES_PAID)
    other = story.elsewhere()
    other.goal()
    other.segment("everyone", {"all": []})
    other.delivery("d1", "2024-03-01")
    story.event("purchase", "2024-03-02")
    other.snapshot("2024-03-03", plan="paid")
    marts = yield
    assert marts.fct_attributions.by("goal_id", "unattributed_reason") == {"goal": "no_delivery"}
    assert marts.fct_impressions == []
    assert len(marts.elsewhere().fct_enrollments) == 1
    assert marts.elsewhere().fct_achievements == marts.elsewhere().fct_conversions == []
