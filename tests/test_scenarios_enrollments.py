"""Section 7, first half: which deliveries are impressions, and their outcomes."""

from hashlib import md5

from scenarios import BECOMES_PAID, LEAVES_PAID, PAID, PURCHASE, a_microsecond_before, condition, scenario

# -- sendable and received


@scenario
def test_an_unsent_anonymous_held_out_or_transactional_delivery_is_no_impression(story):
    story.goal()
    story.delivery("sent", "2024-03-01")
    story.delivery("broadcast", "2024-03-01", source_type="broadcast")
    story.delivery("unsent", None)
    story.delivery("anonymous", "2024-03-01", is_anonymous=True)
    story.delivery("held out", "2024-03-01", is_holdout=True)
    story.delivery("receipt", "2024-03-01", source_type="transactional")
    story.delivery("by api", "2024-03-01", source_type="api_triggered_broadcast")
    story.delivery("unlisted", "2024-03-01", source="news")
    marts = yield
    assert marts.fct_impressions.column("delivery_id") == ["broadcast", "sent"]


@scenario
def test_an_anonymous_delivery_needs_no_profile_and_any_other_does(story):
    story.delivery("anonymous", "2024-03-01", person=None, is_anonymous=True)
    story.delivery("nobody", "2024-03-01", person=None)
    marts = yield
    assert marts.quarantined("deliveries") == ["missing_key"]


@scenario
def test_slack_attribute_updates_events_and_unknown_channels_reach_nobody(story):
    story.goal()
    channels = (
        "email",
        "sms",
        "push",
        "in_app",
        "whatsapp",
        "webhook",
        "slack",
        "attribute_update",
        "event_create",
        "pigeon",
        "Email",
    )
    for channel in channels:
        story.delivery(channel, "2024-03-01", channel=channel)
    marts = yield
    assert set(marts.fct_impressions.column("channel")) == {"email", "sms", "push", "in_app", "whatsapp"}


@scenario
def test_a_webhook_counts_only_for_goals_that_opted_its_message_in(story):
    story.goal("opted_in", attribution={"webhook_message_ids": ["m1"]})
    story.goal("other", attribution={"webhook_message_ids": ["m2"]})
    story.goal("none")
    story.delivery("d1", "2024-03-01", channel="webhook", message_id="m1")
    story.delivery("without id", "2024-03-01", channel="webhook")
    story.event("purchase", "2024-03-02")
    marts = yield
    assert marts.fct_impressions.by("goal_id", "delivery_id") == {"opted_in": "d1"}
    reasons = marts.fct_attributions.by("goal_id", "unattributed_reason")
    assert reasons == {"opted_in": None, "other": "no_delivery", "none": "no_delivery"}


@scenario
def test_a_message_that_bounced_failed_was_dropped_or_undeliverable_is_not_received(story):
    story.goal()
    for metric in (
        "bounced",
        "failed",
        "dropped",
        "undeliverable",
        "spammed",
        "unsubscribed",
        "opened",
        "delivered",
    ):
        story.delivery(metric, "2024-03-01")
        story.engagement(metric, metric, "2024-06-01")
    story.delivery("opened and bounced", "2024-03-01")
    story.opened("opened and bounced", "2024-03-02")
    story.engagement("bounced", "opened and bounced", "2024-03-03")
    story.delivery("delivered and failed", "2024-03-01")
    story.engagement("delivered", "delivered and failed", "2024-03-02")
    story.engagement("failed", "delivered and failed", "2024-03-03")
    marts = yield
    assert set(marts.fct_impressions.column("delivery_id")) == {
        "spammed",
        "unsubscribed",
        "opened",
        "delivered",
    }


@scenario
def test_an_impression_is_when_sent_or_when_first_delivered(story):
    story.goal("sent")
    story.goal("delivered", impression="delivered")
    story.delivery("d1", "2024-03-01")
    story.engagement("delivered", "d1", "2024-03-03")
    story.engagement("delivered", "d1", "2024-03-02")
    story.delivery("never delivered", "2024-03-04", person="bob")
    marts = yield
    assert marts.fct_impressions.where(goal_id="sent").by("delivery_id", "received_at") == {
        "d1": "2024-03-01",
        "never delivered": "2024-03-04",
    }
    assert marts.fct_impressions.where(goal_id="delivered").by("delivery_id", "received_at") == {
        "d1": "2024-03-02"
    }


@scenario
def test_a_message_that_was_never_delivered_is_still_a_candidate_for_credit(story):
    story.goal(impression="delivered")
    story.delivery("d1", "2024-03-01")
    story.event("purchase", "2024-03-02")
    marts = yield
    assert marts.fct_impressions == []
    assert marts.fct_attributions.one["delivery_id"] == "d1"


@scenario
def test_a_delivery_is_an_impression_of_each_goal_that_lists_its_source(story):
    story.goal("a")
    story.goal("b", sources=["news", "welcome", "welcome"])
    story.goal("c", sources=["news"])
    story.delivery("d1", "2024-03-01")
    marts = yield
    assert marts.fct_impressions.column("goal_id") == ["a", "b"]


# -- the checks, in their order


@scenario
def test_a_person_already_in_the_segment_records_no_conversion(story):
    story.segment("paying", PAID)
    story.goal(target={"profile": {"segment": "paying"}})
    story.snapshot("2024-02-01", plan="paid")
    story.delivery("d1", "2024-03-01")
    story.snapshot("2024-03-02", plan="paid", seats=2)
    marts = yield
    assert marts.fct_impressions.column("outcome") == ["already_achieved"]
    assert marts.fct_enrollments == marts.fct_conversions == []


@scenario
def test_who_is_not_eligible_is_that_and_nothing_else(story):
    story.goal(target=BECOMES_PAID, eligibility=condition("eq", "US", of="country"))
    story.snapshot("2024-02-01", plan="paid", country="NO", person="ann")
    story.snapshot("2024-02-01", plan="paid", country="US", person="bob")
    story.snapshot("2024-02-01", plan="free", country="US", person="cid")
    for person in ("ann", "bob", "cid"):
        story.delivery(f"to {person}", "2024-03-01", person=person)
        story.delivery(f"again to {person}", "2024-03-02", person=person)
    marts = yield
    assert marts.fct_impressions.by("delivery_id", "outcome") == {
        "to ann": "not_eligible",
        "again to ann": "not_eligible",
        "to bob": "already_achieved",
        "again to bob": "already_achieved",
        "to cid": "enrolled",
        "again to cid": "already_enrolled",
    }


@scenario
def test_the_checks_read_the_state_as_of_the_impression(story):
    story.goal("eligible_paid", eligibility=PAID)
    story.goal("becomes_paid", target=BECOMES_PAID)
    story.goal("delivered", target=BECOMES_PAID, impression="delivered")
    for person, paid_at in (("just_in_time", "2024-03-01"), ("too_late", "2024-03-01T00:00:00.000001")):
        story.snapshot("2024-02-01", person=person, plan="free")
        story.snapshot(paid_at, person=person, plan="paid")
        story.delivery(f"to {person}", "2024-03-01", person=person)
        story.engagement("delivered", f"to {person}", "2024-03-02")
    marts = yield
    outcomes = {
        goal: marts.fct_impressions.where(goal_id=goal).by("profile_id", "outcome")
        for goal in ("eligible_paid", "becomes_paid")
    }
    assert outcomes == {
        "eligible_paid": {"just_in_time": "enrolled", "too_late": "not_eligible"},
        "becomes_paid": {"just_in_time": "already_achieved", "too_late": "enrolled"},
    }
    assert set(marts.fct_impressions.where(goal_id="delivered").column("outcome")) == {"already_achieved"}


@scenario
def test_for_leave_the_goal_state_is_not_matching_also_without_a_snapshot(story):
    story.goal(target=LEAVES_PAID)
    story.snapshot("2024-02-01", person="paid", plan="paid")
    story.snapshot("2024-02-01", person="free", plan="free")
    for person in ("paid", "free", "stranger"):
        story.delivery(f"to {person}", "2024-03-01", person=person)
    marts = yield
    assert marts.fct_impressions.by("profile_id", "outcome") == {
        "paid": "enrolled",
        "free": "already_achieved",
        "stranger": "already_achieved",
    }


@scenario
def test_already_achieved_is_only_of_targets_that_are_a_profile_part_alone(story):
    story.goal("event_and_profile", target=PURCHASE | {"profile": PAID})
    story.goal("message_and_profile", target={"message": {"metric": "opened"}, "profile": PAID})
    story.goal("event", measurement_window_days=None)
    story.snapshot("2024-02-01", plan="paid")
    story.event("purchase", "2024-02-15")
    story.delivery("d1", "2024-03-01")
    marts = yield
    assert set(marts.fct_impressions.column("outcome")) == {"enrolled"}
    assert len(marts.fct_impressions) == 3


@scenario
def test_a_deleted_person_has_no_properties(story):
    story.goal("becomes_paid", target=BECOMES_PAID)
    story.goal("for_payers", eligibility=PAID)
    story.snapshot("2024-02-01", plan="paid")
    story.snapshot("2024-02-02", plan="paid", deleted=True)
    story.delivery("d1", "2024-03-01")
    marts = yield
    assert marts.fct_impressions.by("goal_id", "outcome") == {
        "becomes_paid": "enrolled",
        "for_payers": "not_eligible",
    }


@scenario
def test_each_goal_source_profile_and_journey_enrolls_once(story):
    story.goal(sources=["welcome", "news"])
    story.journey("j1", "2024-03-01")
    story.journey("j2", "2024-03-01")
    story.delivery("1 of j1", "2024-03-01", journey_id="j1")
    story.delivery("2 of j1", "2024-03-02", journey_id="j1")
    story.delivery("3 of j2", "2024-03-03", journey_id="j2")
    story.delivery("4 of none", "2024-03-04")
    story.delivery("5 of none", "2024-03-05")
    story.delivery("6 of news", "2024-03-06", source="news")
    story.delivery("7 to bob", "2024-03-07", person="bob")
    marts = yield
    assert marts.fct_impressions.where(outcome="already_enrolled").column("delivery_id") == [
        "2 of j1",
        "5 of none",
    ]
    assert marts.fct_enrollments.column("delivery_id") == [
        "1 of j1",
        "3 of j2",
        "4 of none",
        "6 of news",
        "7 to bob",
    ]


@scenario
def test_the_earliest_impression_enrolls_and_of_one_moment_the_lesser_delivery(story):
    story.goal("sent")
    story.goal("delivered", impression="delivered")
    for delivery_id, delivered_at in (("d2", "2024-03-04"), ("d1", "2024-03-04"), ("d0", "2024-03-03")):
        story.delivery(delivery_id, "2024-03-02" if delivery_id == "d0" else "2024-03-01")
        story.engagement("delivered", delivery_id, delivered_at)
    marts = yield
    assert marts.fct_enrollments.by("goal_id", "delivery_id") == {"sent": "d1", "delivered": "d0"}
    outcomes = marts.fct_impressions.where(goal_id="sent").by("delivery_id", "outcome")
    assert outcomes == {"d1": "enrolled", "d2": "already_enrolled", "d0": "already_enrolled"}


@scenario
def test_an_impression_that_failed_a_check_does_not_enroll_and_a_later_one_may(story):
    story.goal("eligible_paid", eligibility=PAID)
    story.goal("leaves_paid", target=LEAVES_PAID)
    story.snapshot("2024-02-01", plan="free")
    story.delivery("d1", "2024-03-01")
    story.snapshot("2024-03-02", plan="paid")
    story.delivery("d2", "2024-03-03")
    marts = yield
    assert marts.fct_impressions.where(goal_id="eligible_paid").column("outcome") == [
        "not_eligible",
        "enrolled",
    ]
    assert marts.fct_impressions.where(goal_id="leaves_paid").column("outcome") == [
        "already_achieved",
        "enrolled",
    ]


@scenario
def test_an_enrollment_stays_its_versions_when_the_goal_gets_another(story):
    story.goal()
    story.delivery("d1", "2024-03-01")
    story.goal(at="2024-03-02", name="Renamed")
    story.delivery("d2", "2024-03-03")
    marts = yield
    assert marts.fct_impressions.by("goal_version", "outcome") == {
        "2024-01-01": "enrolled",
        "2024-03-02": "already_enrolled",
    }


@scenario
def test_an_enrollment_id_is_made_of_workspace_goal_source_profile_and_journey(story):
    story.goal()
    story.journey("j1", "2024-03-01")
    story.delivery("d1", "2024-03-01", journey_id="j1", message_id="m1")
    story.delivery("d2", "2024-03-02")
    marts = yield
    expected = [
        md5("\x1f".join((marts.workspace_id, "goal", "welcome", "ann", journey_id)).encode()).hexdigest()
        for journey_id in ("j1", "")
    ]
    assert marts.fct_enrollments.column("enrollment_id") == expected
    assert marts.fct_enrollments[0]["message_id"] == "m1"


@scenario
def test_a_journey_of_another_person_counts_as_not_landed(story):
    story.goal("versioned", definition_policy="versioned", sources=[])
    story.goal("versioned", at="2024-02-01", definition_policy="versioned")
    story.goal(
        "matched", target=PURCHASE | {"trigger_match": [{"event_property": "x", "trigger_property": "x"}]}
    )
    story.journey("bobs", "2024-01-15", person="bob", trigger={"x": 1})
    story.delivery("d1", "2024-03-01", journey_id="bobs")
    story.event("purchase", "2024-03-02", x=1)
    marts = yield
    # It was sent after the attachment; bob's journey began before it.
    assert marts.fct_impressions.where(goal_id="versioned").column("delivery_id") == ["d1"]
    assert marts.fct_enrollments.by("goal_id", "converted_at") == {"versioned": "2024-03-02", "matched": None}
    assert marts.fct_delivery_conversions.column("goal_id") == ["versioned"]


@scenario
def test_a_delivery_of_an_unknown_profile_and_source_counts(story):
    story.goal(sources=["unheard of"])
    story.delivery("d1", "2024-03-01", source="unheard of", person="unseen", journey_id="unlanded")
    story.event("purchase", "2024-03-02", person="unseen")
    marts = yield
    assert marts.fct_conversions.one["journey_id"] == "unlanded"
    assert marts.rpt_source_performance.one["conversions"] == 1


@scenario
def test_a_holdout_trap_does_not_enroll_and_the_message_that_is_sent_does(story):
    story.goal()
    story.delivery("trapped", "2024-03-01", is_holdout=True)
    story.delivery("sent", "2024-03-02", is_holdout=False)
    marts = yield
    assert marts.fct_enrollments.column("delivery_id") == ["sent"]


@scenario
def test_an_impression_lies_within_the_interval_of_its_own_version(story):
    story.goal("sources", sources=["welcome"])
    story.goal("sources", at="2024-03-01", sources=["news"])
    story.delivery("in time", a_microsecond_before("2024-03-01"))
    story.delivery("no more", "2024-03-01")
    story.delivery("too early", a_microsecond_before("2024-03-01"), source="news")
    story.delivery("from now on", "2024-03-01", source="news")
    marts = yield
    assert marts.fct_impressions.column("delivery_id") == ["in time", "from now on"]
